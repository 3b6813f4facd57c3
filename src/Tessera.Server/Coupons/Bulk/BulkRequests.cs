using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>What callers send of bulk changes.</summary>
internal static class BulkRequests
{
    /// <summary>Coupons that may be named one by one; more are selected by a filter.</summary>
    public const int MaximumIds = 10_000;

    private const int MaximumFilters = 40;

    private static readonly Dictionary<string, BulkAction> Actions = new(StringComparer.Ordinal)
    {
        ["activate"] = BulkAction.Activate,
        ["deactivate"] = BulkAction.Deactivate,
        ["edit"] = BulkAction.Edit,
        ["delete"] = BulkAction.Delete,
    };

    /// <summary>The words for actions.</summary>
    public static IReadOnlyCollection<string> ActionWords => Actions.Keys;

    /// <summary>The word for an action.</summary>
    public static string WordOf(BulkAction action) => Actions.First(a => a.Value == action).Key;

    /// <summary>Reads the members <c>action</c>, <c>set</c> and <c>extend_days</c>; what is wrong is in the fields.</summary>
    public static BulkChange? ReadChange(Fields fields)
    {
        var word = fields.Word("action", ActionWords);
        var set = fields.Object("set", required: false);
        var days = fields.Integer("extend_days", -BulkChange.MaximumDays, BulkChange.MaximumDays, required: false) ?? 0;
        var change = set is null ? null : ReadSet(set);
        if (word is null)
        {
            return null;
        }

        var whole = (change ?? new BulkChange { Action = default }) with
        {
            Action = Actions[word],
            ExtendDays = (int)days,
        };
        if (whole.Action == BulkAction.Edit && !whole.HasEdits && (set is null || set.Names().Count == 0))
        {
            fields.Add("set", "required", "An edit has to set a field or to move the ends.");
        }
        else if (whole.Action != BulkAction.Edit && whole.HasEdits)
        {
            fields.Add("set", "excludes", "Only an edit sets fields.");
        }
        else if (days != 0 && (whole.End.IsGiven || whole.LastDay.IsGiven))
        {
            fields.Add("extend_days", "excludes", "The ends are either set or moved.");
        }

        return whole;
    }

    /// <summary>Reads <c>selection</c>: <c>ids</c>, or a <c>filter</c> with the parameters of the list.</summary>
    /// <param name="fields">The body.</param>
    /// <param name="merchant">Whose coupons alone; null for all.</param>
    /// <param name="sort">The order; an error in it is one of the member <c>sort</c>.</param>
    public static CouponList? ReadSelection(
        Fields fields,
        Guid? merchant,
        string sort = "created_at_desc",
        bool withMoney = true
    )
    {
        if (fields.Object("selection") is not { } selection)
        {
            return null;
        }

        var errors = fields.Errors.Count;
        var ids = selection.List(
            "ids",
            MaximumIds,
            static (item, place) => item.Integer(place, 1, Fields.MaximumInteger),
            required: false
        );
        var filter = selection.Plain("filter", MaximumFilters);
        if (selection.Has("ids") == selection.Has("filter"))
        {
            selection.Add("filter", "required", "A selection has either ids or a filter.");
            return null;
        }

        if (fields.Errors.Count > errors)
        {
            return null;
        }

        var query = new Query(RequestOf(filter));
        var list = CouponList.Matching(query, merchant, sort, withMoney);
        if (query.Finish() is { } wrong)
        {
            fields.Add(
                (wrong.Errors ?? [])
                    .Where(static e => e.Field == "sort")
                    .Select(static e => e with { Pointer = "#/sort" })
            );
            selection.Add(
                (wrong.Errors ?? [])
                    .Where(static e => e.Field != "sort")
                    .Select(static e => e with { Field = "filter." + e.Field, Pointer = "#/filter/" + e.Field })
            );
        }

        if (ids is not null)
        {
            list.Only([.. ids.Select(static id => id!.Value)]);
        }

        return list;
    }

    /// <summary>What is kept of a request: the change and the selection, as they were sent.</summary>
    public static string Kept(RequestBody body, string requestId) =>
        EventLog.Payload(
            ("action", MemberOf(body, "action")),
            ("set", MemberOf(body, "set")),
            ("extend_days", MemberOf(body, "extend_days")),
            ("filter", FilterOf(body)),
            ("request_id", requestId)
        );

    /// <summary>Reads a change that was kept.</summary>
    public static BulkChange Restore(JsonElement kept)
    {
        var fields = Fields.Of(kept);
        return ReadChange(fields)!;
    }

    private static BulkChange ReadSet(Fields set)
    {
        var change = new BulkChange { Action = default };
        if (set.Names("valid_until"))
        {
            var text = set.Text("valid_until", 40, required: false);
            if (text is null)
            {
                change = change with { LastDay = new(true, null) };
            }
            else if (
                DateOnly.TryParseExact(
                    text,
                    "yyyy-MM-dd",
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.None,
                    out var day
                ) && day.Year is > 1900 and < 9998
            )
            {
                change = change with { LastDay = new(true, day) };
            }
            else if (Instants.TryParse(text, out var at))
            {
                change = change with { End = new(true, at) };
            }
            else
            {
                set.Add("valid_until", "not_an_instant", "This has to be a date, or a time with its offset.");
            }
        }

        if (set.Names("max_uses_total"))
        {
            var most = set.Integer("max_uses_total", 1, Fields.MaximumInteger, required: false);
            change = change with { MaxUsesTotal = new(true, most) };
        }

        if (
            set.Names("max_uses_per_user")
            && set.Integer("max_uses_per_user", 1, BulkChange.MaximumUsesPerUser) is { } each
        )
        {
            change = change with { MaxUsesPerUser = new(true, (int)each) };
        }

        if (set.Names("campaign_source"))
        {
            change = change with { CampaignSource = new(true, Text(set, "campaign_source", 200)) };
        }

        if (set.Names("notes"))
        {
            change = change with { Notes = new(true, Text(set, "notes", CouponRequests.TextLimit)) };
        }

        return change;
    }

    private static string? Text(Fields set, string name, int maximum) =>
        set.Text(name, maximum, required: false) is { Length: > 0 } text ? text : null;

    private static JsonElement? MemberOf(RequestBody body, string name) =>
        body.Json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static JsonElement? FilterOf(RequestBody body) =>
        body.Json.TryGetProperty("selection", out var selection)
        && selection.TryGetProperty("filter", out var filter)
        && filter.ValueKind != JsonValueKind.Null
            ? filter
            : null;

    /// <summary>The filters as the query of a list, so that they are read, checked and explained in one place.</summary>
    private static HttpRequest RequestOf(IReadOnlyDictionary<string, JsonElement>? filter)
    {
        var request = new DefaultHttpContext().Request;
        request.Query = new QueryCollection(
            (filter ?? new Dictionary<string, JsonElement>()).ToDictionary(
                static f => f.Key,
                static f => new StringValues(f.Value.ToString())
            )
        );
        return request;
    }
}
