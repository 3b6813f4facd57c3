using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons;

/// <summary>
/// Stores new coupons with their codes and events by <c>COPY</c>: codes first, so that one that is taken ends it before
/// the work is done. Its buffers are used again for the next batch.
/// </summary>
internal sealed class CouponCopy
{
    private const int Columns = 40;
    private const int EventColumns = 9;

    private static readonly string Coupons =
        $"coupons.coupon (id, {CouponRow.Names}, created_by, created_at, updated_at)";

    private readonly CopyBuffer _codes = new();
    private readonly CopyBuffer _coupons = new();
    private readonly CopyBuffer _events = new();
    private readonly ArrayBufferWriter<byte> _json = new(4096);

    /// <summary>Writes them in the caller's transaction.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="drafts">The rules have been checked.</param>
    /// <param name="ids">One a draft.</param>
    /// <param name="actor">Who causes it.</param>
    /// <param name="now">The database clock.</param>
    /// <param name="cancel">Cancels.</param>
    /// <exception cref="Npgsql.PostgresException">23505: a code is taken. The transaction is to be rolled back.</exception>
    public async Task WriteAsync(
        UnitOfWork work,
        IReadOnlyList<CouponDraft> drafts,
        IReadOnlyList<long> ids,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        _codes.Begin();
        _coupons.Begin();
        _events.Begin();
        using (var json = new Utf8JsonWriter(_json))
        {
            for (var i = 0; i < drafts.Count; i++)
            {
                AddCode(drafts[i], ids[i]);
                AddCoupon(json, drafts[i], ids[i], actor, now);
                AddEvent(json, drafts[i], ids[i], actor, now);
            }
        }

        await _codes.SendAsync(work, "coupons.code (code, coupon_id)", cancel);
        await _coupons.SendAsync(work, Coupons, cancel);
        await _events.SendAsync(
            work,
            "platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, correlation_id, created_at)",
            cancel
        );
    }

    private void AddCode(CouponDraft draft, long id)
    {
        _codes.Row(2);
        _codes.Add(draft.Code);
        _codes.Add(id);
    }

    private void AddCoupon(Utf8JsonWriter json, CouponDraft draft, long id, CatalogueActor actor, DateTimeOffset now)
    {
        var to = _coupons;
        to.Row(Columns);
        to.Add(id);
        to.Add(draft.Code);
        to.Add(draft.CodeKind);
        to.Add(draft.Distribution);
        to.Add(draft.InternalName);
        to.AddJson(Json(json, draft, CouponRow.WriteDescription));
        to.Add(draft.DiscountType);
        to.Add(CouponRow.PercentOf(draft));
        to.Add(CouponRow.AmountOf(draft));
        to.Add(draft.Currency);
        to.Add(CouponRow.MinorOf(draft, draft.MaxDiscountAmount));
        to.Add(CouponRow.MinorOf(draft, draft.MinimumOrderValue));
        to.Add(CouponRow.MinorOf(draft, draft.MaximumOrderValue));
        to.Add(draft.MaxUsesTotal);
        to.Add((int)draft.MaxUsesPerUser);
        to.Add(draft.ValidFrom!.Value);
        to.Add(draft.ValidUntil ?? DateTimeOffset.MaxValue);
        to.Add(draft.TimeZone);
        to.Add(draft.ApplicableTo);
        to.Add(draft.ConsultantRestrictions);
        to.Add(draft.ServiceTypeRestrictions);
        to.Add(draft.EligibleServices);
        to.Add(draft.Channels);
        to.Add(draft.Products);
        to.Add(draft.Stacking);
        to.Add(draft.StackingGroups);
        to.Add((int?)draft.ApplyOrder);
        to.Add(draft.CampaignId);
        to.Add(draft.CampaignRole);
        to.Add(draft.MerchantId);
        to.Add(draft.CampaignSource);
        to.Add(draft.UtmSource);
        to.Add(draft.UtmMedium);
        to.Add(draft.UtmCampaign);
        to.Add(draft.Notes);
        to.Add(draft.IsActive);
        to.Add(draft.ExternalId);
        to.Add(actor.Actor);
        to.Add(now);
        to.Add(now);
    }

    private void AddEvent(Utf8JsonWriter json, CouponDraft draft, long id, CatalogueActor actor, DateTimeOffset now)
    {
        var to = _events;
        to.Row(EventColumns);
        to.Add(Guid.CreateVersion7());
        to.Add("coupon");
        to.Add(id.ToString(CultureInfo.InvariantCulture));
        to.Add("coupon.created");
        to.Add((long?)1);
        to.Add(actor.Actor);
        to.AddJson(Json(json, draft, CouponRow.WriteEvent));
        to.Add(actor.RequestId);
        to.Add(now);
    }

    private ReadOnlySpan<byte> Json(Utf8JsonWriter json, CouponDraft draft, Action<Utf8JsonWriter, CouponDraft> write)
    {
        _json.ResetWrittenCount();
        json.Reset(_json);
        write(json, draft);
        json.Flush();
        return _json.WrittenSpan;
    }
}
