using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Regions;

namespace Tessera.Server.Coupons;

/// <summary>What staff and importers do to coupons: each is one transaction of the caller's.</summary>
internal static class Catalogue
{
    private const int ShapeAttempts = 20;

    internal static readonly Refusal Duplicate = new(
        "duplicate_code",
        "Coupon code already exists",
        RefusalKind.Conflict,
        [CouponRules.CodeTaken]
    );

    internal static readonly Refusal DuplicateExternalId = new(
        "duplicate_external_id",
        "A coupon with this external id exists."
    );

    internal static readonly Refusal NoFreeCode = new(
        "no_free_code",
        "No unused code of this shape was found. Ask for a longer one, or for a random suffix."
    );

    /// <summary>The coupon an outside system knows by an id of its own, held for a change; null for none.</summary>
    public static async Task<Coupon?> FindByExternalIdAsync(
        UnitOfWork work,
        string externalId,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            "select id from coupons.coupon where external_id = $1 and deleted_at is null",
            externalId
        );
        return await query.ExecuteScalarAsync(cancel) is long id
            ? await CouponStore.FindAsync(work, id, merchant, forUpdate: true, cancel)
            : null;
    }

    /// <summary>Keeps every use of a coupon waiting until the transaction ends.</summary>
    public static Task HoldAsync(UnitOfWork work, long coupon, CancellationToken cancel) =>
        work.ExecuteAsync("select from coupons.coupon where id = $1 for no key update", [coupon], cancel);

    /// <summary>Everything that keeps a draft from being stored, apart from its code being taken.</summary>
    public static async Task<IReadOnlyList<FieldError>> CheckAsync(
        UnitOfWork work,
        CouponDraft draft,
        Coupon? before,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var startIsNew = before is null || before.ValidFrom != draft.ValidFrom;
        var errors = new List<FieldError>(CouponRules.Validate(draft, now, startIsNew));
        await using var query = work.Command(
            $"""
            select r.*, $1::text is not null and not exists (select from campaigns.campaign
                    where id = $1 and deleted_at is null and ($2::uuid is null or merchant_id is null or merchant_id = $2)),
                $2::uuid is not null and not exists (select from access.merchant where id = $2),
                array(select x from unnest($3::text[]) x where not exists (select from access.channel where id = x)),
                array(select x from unnest($4::text[]) x where not exists (select from coupons.service where id = x)),
                array(select x from unnest($5::integer[]) x where not exists (select from coupons.consultant where id = x)),
                (select budget_currency from campaigns.campaign where id = $1 and budget_currency <> $6)
            from (select) one left join lateral (
                select {RegionRules.Columns} from regions.rule_of((select region from access.merchant where id = $2)) r
            ) r on true
            """,
            Text(draft.CampaignId),
            new NpgsqlParameter
            {
                Value = draft.MerchantId ?? (object)DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid,
            },
            (draft.Channels ?? []).ToArray(),
            (draft.EligibleServices ?? []).ToArray(),
            (draft.ConsultantRestrictions ?? []).ToArray(),
            draft.Currency
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        errors.AddRange(RegionCheck.Of(RegionRules.Read(row, 0), before, draft, now));
        const int asked = 5;
        if (row.GetBoolean(asked))
        {
            errors.Add(Unknown("campaign_id", "There is no campaign with this id"));
        }

        if (row.GetBoolean(asked + 1))
        {
            errors.Add(Unknown("merchant_id", "There is no merchant with this id"));
        }

        AddUnknown(errors, "channels", row.GetFieldValue<string[]>(asked + 2));
        AddUnknown(errors, "eligible_services", row.GetFieldValue<string[]>(asked + 3));
        AddUnknown(
            errors,
            "consultant_restrictions",
            [.. row.GetFieldValue<int[]>(asked + 4).Select(static c => c.ToString(CultureInfo.InvariantCulture))]
        );
        var isMoved = before is null || (before.CampaignId, before.Currency) != (draft.CampaignId, draft.Currency);
        if (isMoved && row.Object<string>(asked + 5) is { } budget)
        {
            errors.Add(
                new FieldError(
                    "currency",
                    "#/currency",
                    "wrong_currency",
                    $"The budget of the campaign is in {budget:currency}, and an amount never crosses into another currency"
                )
            );
        }

        return errors;
    }

    /// <summary>
    /// Ends the reading of a coupon: all that is wrong, a taken code included. A taken code that is all that is wrong is a
    /// conflict, and found when the coupon is stored.
    /// </summary>
    /// <param name="work">The transaction.</param>
    /// <param name="fields">What was sent, with the errors of <see cref="CheckAsync"/>.</param>
    /// <param name="draft">As read.</param>
    /// <param name="ownCode">The code of the coupon that is changed (CPN-09); null for a new one.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<Refusal?> FinishAsync(
        UnitOfWork work,
        Fields fields,
        CouponDraft draft,
        string? ownCode,
        CancellationToken cancel
    )
    {
        if (fields.Finish() is not { } refusal)
        {
            return null;
        }

        if (
            draft.Code is not { } code
            || code == ownCode
            || !CouponCode.TryNormalise(code, out var normal)
            || (await CouponStore.TakenAsync(work, [normal], cancel)).Count == 0
        )
        {
            return refusal;
        }

        fields.Add([CouponRules.CodeTaken]);
        return Problems.Invalid(fields.Errors);
    }

    /// <summary>Stores one coupon whose draft has been checked.</summary>
    public static async Task<(long Id, Refusal? Refusal)> CreateAsync(
        UnitOfWork work,
        CouponDraft draft,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if ((await CouponStore.TakenAsync(work, [draft.Code!], cancel)).Count > 0)
        {
            return (0, Duplicate);
        }

        try
        {
            return ((await CouponStore.InsertAsync(work, [draft], actor, now, cancel))[0], null);
        }
        catch (PostgresException taken) when (taken.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Somebody else took it between the look and the insert.
            return (0, DuplicateOf(taken));
        }
    }

    /// <summary>Replaces a locked coupon by a draft that has been checked.</summary>
    public static async Task<Refusal?> UpdateAsync(
        UnitOfWork work,
        Coupon before,
        CouponDraft draft,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (draft.Code != before.Code && (await CouponStore.TakenAsync(work, [draft.Code!], cancel)).Count > 0)
        {
            return Duplicate;
        }

        try
        {
            await CouponStore.UpdateAsync(work, [(before, draft)], actor, now, cancel);
            return null;
        }
        catch (PostgresException taken) when (taken.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return DuplicateOf(taken);
        }
    }

    /// <summary>An unused code of a shape (CPN-11).</summary>
    public static async Task<(string? Code, Refusal? Refusal)> SuggestAsync(
        UnitOfWork work,
        CodeOptions options,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var today = DateOnly.FromDateTime(now.UtcDateTime);
        var shapes = new List<string>();
        for (var i = 0; i < ShapeAttempts; i++)
        {
            var code = CodeAlphabet.Shape(options, today, RandomNumberGenerator.GetBytes(CodeAlphabet.MaximumLength));
            if (!shapes.Contains(code))
            {
                shapes.Add(code);
            }
        }

        var taken = await CouponStore.TakenAsync(work, shapes, cancel);
        var free = shapes.Find(shape => !taken.Contains(shape));
        return free is null ? (null, NoFreeCode) : (free, null);
    }

    private static Refusal DuplicateOf(PostgresException taken) =>
        taken.ConstraintName == "coupon_external_id_key" ? DuplicateExternalId : Duplicate;

    private static void AddUnknown(List<FieldError> errors, string field, string[] unknown)
    {
        if (unknown.Length > 0)
        {
            errors.Add(Unknown(field, $"Unknown: {unknown:names}"));
        }
    }

    private static FieldError Unknown(string field, Sentence message) =>
        new(field, "#/" + field, "unknown_reference", message);

    private static NpgsqlParameter Text(string? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text };
}
