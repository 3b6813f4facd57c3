using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Operations.Units;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Regions;

namespace Tessera.Server.Operations;

/// <summary>
/// Cancels or revokes all live units of a coupon, or those of one holder, at once (BLK-09). Up to
/// <see cref="FreeSize"/> units in 24 hours one person may do alone (ACC-07).
/// </summary>
internal sealed class BulkEnding : IApprovedAction
{
    private const int MaximumUnits = 100_000;

    private static readonly Refusal Nothing = new("nothing_to_do", "There is no live unit that this would end.");

    private static readonly Refusal TooMany = new(
        "too_many_units",
        $"This would end more than {MaximumUnits:maximum} units. Narrow it down, or switch the coupon off."
    );

    private static readonly Refusal Unknown = Problems.Invalid([
        new("input.coupon_id", "#/input/coupon_id", "unknown_coupon", "There is no such coupon."),
    ]);

    /// <inheritdoc/>
    public string Kind => "bulk_ending";

    /// <inheritdoc/>
    public string Permission => Permissions.CouponsBulk;

    /// <inheritdoc/>
    public long FreeSize => 100;

    /// <inheritdoc/>
    public string? Read(Fields input)
    {
        var coupon = input.Integer("coupon_id", 1, Fields.MaximumInteger);
        var to = input.Word("to", ["cancelled", "revoked"]);
        var customer = input.Id("customer_id", required: false);
        return coupon is null || to is null
            ? null
            : JsonSerializer.Serialize(new Input(coupon.Value, to, customer), Wire.Json);
    }

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var wanted = JsonSerializer.Deserialize<Input>(input, Wire.Json)!;
        Guid? merchant;
        await using (
            var coupon = work.Command(
                "select merchant_id from coupons.coupon where id = $1 and deleted_at is null",
                wanted.CouponId
            )
        )
        await using (var row = await coupon.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return Unknown;
            }

            merchant = row.Value<Guid>(0);
        }

        var units = await HoldAsync(work, wanted, cancel);
        if (units.Count is 0 or > MaximumUnits)
        {
            return units.Count == 0 ? Nothing : TooMany;
        }

        // The list itself may be long: its hash stands for it, and changes with any unit's version.
        var list = string.Join(
            '\n',
            units.Select(static u => string.Create(CultureInfo.InvariantCulture, $"{u.Id}:{u.Version}"))
        );
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(list));
        var against = await RegionRules.AgainstEndingAsync(
            work,
            units.Select(static u => u.ValidUntil),
            units.Select(static u => u.Id),
            cancel
        );
        var effect = EventLog.Payload(
            ("coupon_id", wanted.CouponId),
            ("customer_id", wanted.CustomerId),
            ("to", wanted.To),
            ("count", units.Count),
            ("against_region_rules", against.Count),
            ("first_id", units[0].Id),
            ("last_id", units[^1].Id),
            ("units_hash", Convert.ToHexStringLower(hash))
        );
        var subject = "coupon:" + wanted.CouponId.ToString(CultureInfo.InvariantCulture);

        // What the rule of a region forbids to one person, two may do for a reason (AUD-05, OPS-02).
        return new ActionEffect(subject, effect, units.Count, "item", merchant) { IsAgainstRule = against.Count > 0 };
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var wanted = JsonSerializer.Deserialize<Input>(action.Input, Wire.Json)!;
        var units = await HoldAsync(work, wanted, cancel);
        var now = await work.ClockAsync(cancel);
        var deed = OverrideDeed.Of(action);
        await UnitEndings.WriteAsync(work, wanted.To, action.Effect.MerchantId, units, deed, now, cancel);
        var operation = await RecordAsync(work, wanted.To, units, action, cancel);
        return Executed.Done(EventLog.Payload(("ended", units.Count), ("operation_id", operation)));
    }

    /// <summary>Keeps what was done as a change of many units that is over, so that it can be undone like one.</summary>
    private static async Task<Guid> RecordAsync(
        UnitOfWork work,
        string to,
        List<EndedUnit> units,
        ApprovedAction action,
        CancellationToken cancel
    )
    {
        List<UnitLine> lines =
        [
            .. units.Select(
                static (u, at) =>
                    new UnitLine(at + 1, u.CouponId, u.Id, u.Version, TookPlace.Unknown, null)
                    {
                        Done = new UnitDone(u.Version + 1, u.State, null, null),
                    }
            ),
        ];
        var by = action.ExecutedBy;
        var plan = UnitPlan.New(Guid.CreateVersion7(), to, null, lines, by.MerchantId, by.ClientId);
        await UnitPlanStore.InsertAsync(work, plan, lines, action.RequestedBy, cancel);
        await UnitPlanStore.StartAsync(work, plan.Id, cancel);
        await OperationStore.RecordAsync(
            work,
            plan.Id,
            UnitOperation.Kind,
            PlannedChange.OperationOf(plan.Id, to, plan.MerchantId, action),
            plan.Total,
            0,
            EventLog.Payload(("changed", plan.Total)),
            action.RequestedBy,
            cancel
        );
        return plan.Id;
    }

    private static async Task<List<EndedUnit>> HoldAsync(UnitOfWork work, Input wanted, CancellationToken cancel)
    {
        var units = new List<EndedUnit>();
        await using var command = work.Command(
            $"""
            select id, valid_until, state, version, channel, coupon_id from coupons.instance
            where coupon_id = $1 and ($2::uuid is null or customer_id = $2)
                and state in ('issued', 'paid', 'extended', 'pending_expiration') and valid_until > platform.clock()
            order by valid_until, id limit {MaximumUnits + 1} for no key update
            """,
            wanted.CouponId,
            new NpgsqlParameter { Value = wanted.CustomerId ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            units.Add(
                new EndedUnit(
                    row.GetInt64(0),
                    row.GetFieldValue<DateTimeOffset>(1),
                    row.GetString(2),
                    row.GetInt64(3),
                    row.Object<string>(4),
                    row.GetInt64(5)
                )
            );
        }

        return units;
    }

    private sealed record Input(long CouponId, string To, Guid? CustomerId);
}
