using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Campaigns;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions.Segments;

/// <summary>Segments over HTTP (RUL-09). A key that acts for a merchant sees and changes that merchant's alone.</summary>
internal static class SegmentEndpoints
{
    private const string Path = "/api/v1/segments/";
    private const int MaxMembers = 10_000;

    private static readonly Refusal ByRule = new("segment_by_rule", "Who is in this segment follows from its rule.");

    private static readonly Refusal InUse = new(
        "segment_in_use",
        "A promotion or the rule of another segment asks for this one."
    );

    private static readonly Refusal HasMembers = new(
        "segment_has_members",
        "This list names customers. Take them off before a rule takes its place."
    );

    private static readonly Refusal TooSlow = new(
        "segment_too_large",
        "Finding these customers took too long. Name them in a list, or ask for less in the rule."
    );

    private static readonly string[] Kinds = ["list", "rule"];

    private static readonly Dictionary<string, (string Sql, string Type)> Sorts = new(StringComparer.Ordinal)
    {
        ["created_at"] = ("s.created_at", "timestamptz"),
        ["name"] = ("s.name", "text"),
    };

    public static void Map(IEndpointRouteBuilder api)
    {
        var segments = api.MapGroup("/segments").WithTags("Segments");
        var (wanted, view) = (SegmentSamples.Wanted, SegmentSamples.View);
        var unsized = view with { Size = null, SizeIsExact = null };
        segments
            .MapGet("", ListAsync)
            .WithName("listSegments")
            .WithSummary("List segments")
            .RequirePermission(Permissions.PromotionsRead)
            .WithPages([.. Sorts.Keys])
            .WithQuery("kind", "string", "Only lists, or only rules.", Kinds)
            .WithQuery("search", "string", "Part of the name.")
            .WithAnswer(200, new Page<SegmentView>([unsized], false, null), "A page.");
        segments
            .MapPost("", CreateAsync)
            .WithName("createSegment")
            .WithSummary("Create a segment: a list, or a rule over what the house knows of customers")
            .RequirePermission(Permissions.PromotionsWrite)
            .WithBody(wanted)
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, unsized, "Created; Location is its address.");
        segments
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getSegment")
            .WithSummary("Read a segment and its current size")
            .RequirePermission(Permissions.PromotionsRead)
            .WithAnswer(200, view, "The present version with its ETag, and the size of this moment.");
        segments
            .MapPut("/{id:guid}", ReplaceAsync)
            .WithName("replaceSegment")
            .WithSummary("Replace a segment's name and rule: a new version, for the next price on every node")
            .RequirePermission(Permissions.PromotionsWrite)
            .WithIfMatch()
            .WithBody(wanted)
            .WithAnswer(200, unsized, "The new version, with its ETag.")
            .WithRefusals(HasMembers);
        segments
            .MapDelete("/{id:guid}", DeleteAsync)
            .WithName("deleteSegment")
            .WithSummary("Delete a segment that nothing asks for")
            .RequirePermission(Permissions.PromotionsWrite)
            .WithIfMatch()
            .WithAnswer(204, "It is gone.")
            .WithRefusals(InUse);
        segments
            .MapGet("/{id:guid}/members", MembersAsync)
            .WithName("listSegmentMembers")
            .WithSummary("List the customers who are in a segment now")
            .RequirePermission(Permissions.PromotionsRead)
            .WithPages(["customer_id"])
            .WithAnswer(200, new Page<SegmentMember>([new SegmentMember(Samples.Id)], false, null), "A page.")
            .WithRefusals(TooSlow);
        segments
            .MapPost("/{id:guid}/audiences", SendAsync)
            .WithName("addSegmentToAudience")
            .WithSummary("Put everybody who is in a segment now into the audience of a campaign")
            .WithRemark("Who comes into the segment later is not in it; the audience may be asked for again.")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithBody(new SegmentAudience("spring-2027"))
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, new SegmentChange(1), "How many were not in the audience before.")
            .WithRefusals(TooSlow);
        foreach (var add in (bool[])[true, false])
        {
            segments
                .MapPost(
                    add ? "/{id:guid}/members" : "/{id:guid}/members/remove",
                    (HttpContext context, Guid id, Database database) => ChangeAsync(context, id, database, add)
                )
                .WithName(add ? "addSegmentMembers" : "removeSegmentMembers")
                .WithSummary(add ? "Put customers on a list" : "Take customers off a list")
                .RequirePermission(Permissions.PromotionsWrite)
                .WithBody(new SegmentMembers([Samples.Id]))
                .WithIdempotencyKey(required: false)
                .WithAnswer(200, new SegmentChange(1), "How many were not so before.")
                .WithRefusals(ByRule);
        }
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, [.. Sorts.Keys], "-created_at", merchant, context.RequestAborted);
        var rows = new PageRows("s.deleted_at is null");
        rows.Equal("s.merchant_id", merchant);
        if (query.Word("kind", Kinds) is { } kind)
        {
            rows.Where(kind == "list" ? "s.rule is null" : "s.rule is not null");
        }

        rows.Where("position(lower({}) in lower(s.name)) > 0", query.Text("search", 200));
        var segments = new Listed<Segment>(
            $"select {SegmentStore.Columns} from promotions.segment s",
            Sorts[page.Sort],
            ("s.id", "uuid"),
            SegmentStore.Read,
            s => [page.Sort == "name" ? s.Name : PageRequest.KeyOf(s.CreatedAt), s.Key]
        );
        await rows.AnswerAsync(context, database, query, page, segments, static s => s.View());
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        if (await FindAsync(context, id, database) is not var (segment, all))
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var size = await SegmentReads.SizeAsync(database, segment, all, cancel);
        await HttpAnswer.Json(200, segment.View(size), etag: ETags.Of(segment.Version)).SendAsync(context);
    }

    private static async Task MembersAsync(HttpContext context, Guid id, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var query = new Query(context.Request);
        var merchant = Caller.Of(context).MerchantId;
        var page = await cursors.ReadAsync(query, ["customer_id"], "customer_id", merchant, cancel);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        if (await FindAsync(context, id, database) is not var (segment, all))
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        if (await SegmentReads.MembersAsync(database, segment, all, page, cancel) is not { } members)
        {
            await Problems.WriteAsync(context, TooSlow);
            return;
        }

        static string?[] KeyOf(Guid customer) => [customer.ToString(), customer.ToString()];
        await page.Answer(context, members, static m => new SegmentMember(m), KeyOf).SendAsync(context);
    }

    private static async Task<(Segment Segment, SegmentBook All)?> FindAsync(
        HttpContext context,
        Guid id,
        Database database
    )
    {
        var (caller, cancel) = (Caller.Of(context), context.RequestAborted);
        await using var work = await database.BeginAsync(cancel);
        var segment = await SegmentStore.FindAsync(work, id, caller.MerchantId, forUpdate: false, cancel);
        return segment is null
            ? null
            : (segment, new SegmentBook(await SegmentStore.AllAsync(work, segment.MerchantId, cancel)));
    }

    private static Task CreateAsync(HttpContext context, Database database) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                await SegmentStore.LockAsync(work, actor.MerchantId, cancel);
                var all = await SegmentStore.AllAsync(work, actor.MerchantId, cancel);
                var now = await work.ClockAsync(cancel);
                var id = Guid.CreateVersion7();
                var blank = new Segment(id, actor.MerchantId, "", null, null, 1, actor.Actor, now, now);
                var segment = SegmentRequests.Read(fields, blank, all);
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                await SegmentStore.SaveAsync(work, segment, actor, cancel);
                return HttpAnswer.Json(201, segment.View(), Path + segment.Key, ETags.Of(segment.Version));
            }
        );

    private static Task ReplaceAsync(HttpContext context, Guid id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) => HoldAsync(work, id, actor.MerchantId, CancellationToken.None),
            async (work, before, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var all = await SegmentStore.AllAsync(work, before.MerchantId, cancel);
                var now = await work.ClockAsync(cancel);
                var next = before with { Version = before.Version + 1, UpdatedAt = now };
                var segment = SegmentRequests.Read(fields, next, all);
                var no = fields.Finish() ?? ETags.Check(context, ETags.Of(before.Version));
                if (no is null && before.Rule is null && segment.Rule is not null)
                {
                    no = await SegmentStore.HasMembersAsync(work, before, cancel) ? HasMembers : null;
                }

                if (no is not null)
                {
                    return HttpAnswer.Refused(context, no);
                }

                await SegmentStore.SaveAsync(work, segment, actor, cancel);
                return HttpAnswer.Json(200, segment.View(), etag: ETags.Of(segment.Version));
            }
        );

    private static Task DeleteAsync(HttpContext context, Guid id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) => HoldAsync(work, id, actor.MerchantId, CancellationToken.None),
            async (work, segment, actor) =>
            {
                var cancel = CancellationToken.None;
                var no = ETags.Check(context, ETags.Of(segment.Version));
                no ??= await SegmentStore.IsAskedForAsync(work, segment, cancel) ? InUse : null;
                if (no is not null)
                {
                    return HttpAnswer.Refused(context, no);
                }

                await SegmentStore.DeleteAsync(work, segment, actor, await work.ClockAsync(cancel), cancel);
                return HttpAnswer.NoContent;
            }
        );

    private static Task ChangeAsync(HttpContext context, Guid id, Database database, bool add) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) => HoldAsync(work, id, actor.MerchantId, CancellationToken.None),
            async (work, segment, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var named = fields.List("customer_ids", MaxMembers, static (item, place) => item.Id(place));
                var customers = named?.OfType<Guid>().Distinct().ToList() ?? [];
                if (add && customers.Count > 0)
                {
                    var strangers = await SegmentStore.StrangersAsync(work, customers, cancel);
                    for (var i = 0; strangers.Count > 0 && i < named!.Count; i++)
                    {
                        if (named[i] is { } stranger && strangers.Contains(stranger))
                        {
                            fields.Add($"customer_ids.{i}", "unknown_customer", "There is no customer with this id.");
                        }
                    }
                }

                if ((fields.Finish() ?? (segment.Rule is null ? null : ByRule)) is { } no)
                {
                    return HttpAnswer.Refused(context, no);
                }

                var now = await work.ClockAsync(cancel);
                return HttpAnswer.Json(
                    200,
                    new SegmentChange(
                        await SegmentStore.ChangeMembersAsync(work, segment, customers, add, actor, now, cancel)
                    )
                );
            }
        );

    private static Task SendAsync(HttpContext context, Guid id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                SegmentStore.FindAsync(work, id, actor.MerchantId, forUpdate: false, CancellationToken.None),
            async (work, segment, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var campaign = fields.Text("campaign_id", 64);
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var all = new SegmentBook(await SegmentStore.AllAsync(work, segment.MerchantId, cancel));
                if (await SegmentReads.AllAsync(work, segment, all, cancel) is not { } customers)
                {
                    return HttpAnswer.Refused(context, TooSlow);
                }

                if (await Audiences.AddAsync(work, campaign!, customers, id, actor, cancel) is { } added)
                {
                    return HttpAnswer.Json(200, new SegmentChange(added));
                }

                fields.Add("campaign_id", "unknown_reference", "There is no campaign with this id.");
                return HttpAnswer.Refused(context, fields.Finish()!);
            }
        );

    /// <summary>A segment under the lock of its owner's segments and its own.</summary>
    private static async Task<Segment?> HoldAsync(UnitOfWork work, Guid id, Guid? merchant, CancellationToken cancel)
    {
        var found = await SegmentStore.FindAsync(work, id, merchant, forUpdate: false, cancel);
        if (found is null)
        {
            return null;
        }

        await SegmentStore.LockAsync(work, found.MerchantId, cancel);
        return await SegmentStore.FindAsync(work, id, merchant, forUpdate: true, cancel);
    }
}
