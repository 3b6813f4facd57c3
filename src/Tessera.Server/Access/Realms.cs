namespace Tessera.Server.Access;

/// <summary>The separate worlds people sign in to (ACC-01). The words are stored and never change.</summary>
public static class Realms
{
    /// <summary>Those who run the platform.</summary>
    public const string Staff = "staff";

    /// <summary>Those who act for one merchant or partner.</summary>
    public const string Merchant = "merchant";

    /// <summary>Those who hold coupons.</summary>
    public const string Customer = "customer";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Staff, Merchant, Customer];

    /// <summary>How long a session lives without a request, and in any case (convention 55).</summary>
    public static (TimeSpan Idle, TimeSpan Absolute) LifeOf(string realm) =>
        realm switch
        {
            Customer => (TimeSpan.FromDays(7), TimeSpan.FromDays(30)),
            _ => (TimeSpan.FromMinutes(30), TimeSpan.FromHours(12)),
        };

    /// <summary>The fewest characters of a password (convention 54).</summary>
    public static int ShortestPassword(string realm) => realm == Staff ? 15 : 8;
}
