namespace Tessera.Server.Privacy;

/// <summary>
/// What people objected to (GDPR 21, AUD-06), for the rooms that would do it. It counts from the transaction that enters it: whoever
/// asks does so when the data is used, never before.
/// </summary>
internal static class Objections
{
    /// <summary>To be written to: who objects is in no list of a campaign that is read.</summary>
    public const string Marketing = "marketing";

    /// <summary>To be judged by numbers: spend, orders, scores and other attributes of who objects lie in no range of a rule.</summary>
    public const string Profiling = "profiling";

    /// <summary>To be followed: where the attempts of who objects came from is not kept. Other figures are without persons.</summary>
    public const string Analytics = "analytics";

    /// <summary>A condition: the customer objects.</summary>
    /// <param name="purpose">One of those here.</param>
    /// <param name="customer">An expression of the customer's id.</param>
    public static string Of(string purpose, string customer) =>
        $"exists (select from privacy.objection ob where ob.customer_id = {customer} and ob.purpose = '{purpose}')";
}
