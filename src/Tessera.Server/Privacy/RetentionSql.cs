using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>How a declared kind becomes the one statement of a step.</summary>
internal static class RetentionSql
{
    public const string Delete = "delete";
    public const string Archive = "archive";

    /// <summary>
    /// The rows between two places of the table that are over and not held, with all that belongs to them, archived first if
    /// they are to be. Answers how many went and how many a hold kept. $1 is the cutoff, $2 and $3 are the places, $4 the kind, $5
    /// the instant of the run.
    /// </summary>
    public static string Step(RetainedKind kind, bool archives)
    {
        var within = "d.ctid >= $2::text::tid and d.ctid < $3::text::tid";
        var parts = kind.Parts.Select(static (part, place) => $"part{place} as ({Leave(part)})").ToList();
        var kept = archives
            ? $"""
                kept as (
                    insert into privacy.archived (data_kind, customer_id, content, at)
                    select $4, ({kind.Customer ?? "null::uuid"}), {Content(kind)}, $5::timestamptz from due d),
                """
            : "";
        return $"""
            with due as materialized (
                select d.ctid as its_place, d.* from {kind.Table} d
                where {within} and ({kind.Over}) and not {Held(kind)}
                {(kind.IsAppendOnly ? "" : "for update of d skip locked")}
            ), {kept} {string.Concat(parts.Select(static p => p + ", "))} gone as (
                {Leave(kind)} where t.ctid = any(array(select its_place from due)) returning 1
            )
            select (select count(*) from gone),
                (select count(*) from {kind.Table} d where {within} and ({kind.Over}) and {Held(kind)}),
                $4::text, $5::timestamptz
            """;
    }

    /// <summary>Whether a hold stands on the kind, or on the customer of the row.</summary>
    private static string Held(RetainedKind kind) =>
        $"""
            exists (select from privacy.legal_hold h where h.ended_at is null and (h.data_kind = $4
                {(kind.Customer is null ? "" : $"or h.customer_id = ({kind.Customer})")}))
            """;

    private static string Leave(RetainedKind kind) =>
        kind.TakenOut is { } set ? $"update {kind.Table} t set {set}" : $"delete from {kind.Table} t";

    private static string Leave(RetainedPart part) =>
        part.TakenOut is { } set
            ? $"update {part.Table} p set {set} from due d where {part.Of}"
            : $"delete from {part.Table} p using due d where {part.Of}";

    private static string Content(RetainedKind kind) =>
        "to_jsonb(d) - 'its_place'"
        + string.Concat(
            kind.Parts.Select(static part =>
                $" || jsonb_build_object('{Name(part)}', (select coalesce(jsonb_agg(to_jsonb(p)), '[]') from {part.Table} p where {part.Of}))"
            )
        );

    private static string Name(RetainedPart part) =>
        part.Table[(part.Table.IndexOf('.', StringComparison.Ordinal) + 1)..];
}
