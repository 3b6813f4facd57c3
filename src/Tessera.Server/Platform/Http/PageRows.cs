using System.Globalization;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// The rows of one page of a list (convention 19): conditions gathered with their values, which go as parameters, then
/// the query itself. Columns come from the room's allow list.
/// </summary>
/// <param name="conditions">Those that always hold.</param>
public sealed class PageRows(params string[] conditions)
{
    private readonly List<string> _conditions = [.. conditions];
    private readonly List<object?> _values = [];

    /// <summary>Adds a condition without a value.</summary>
    public void Where(string condition) => _conditions.Add(condition);

    /// <summary>Adds a condition in which <c>{}</c> stands for the value; none where there is no value.</summary>
    public void Where(string condition, object? value)
    {
        ArgumentNullException.ThrowIfNull(condition);
        if (value is null)
        {
            return;
        }

        _values.Add(value);
        var place = "$" + _values.Count.ToString(CultureInfo.InvariantCulture);
        _conditions.Add(condition.Replace("{}", place, StringComparison.Ordinal));
    }

    /// <summary>Adds a condition that adds its own values.</summary>
    public void Where(Func<List<object?>, string> condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        _conditions.Add(condition(_values));
    }

    /// <summary>Adds that a column has a value; nothing where the caller named none.</summary>
    public void Equal(string column, object? value) => Where(column + " = {}", value);

    /// <summary>A statement over the rows of all pages; made before a page is read.</summary>
    /// <param name="database">Where it is read.</param>
    /// <param name="sql">The statement, of <c>where</c> and the conditions.</param>
    public NpgsqlCommand Over(Database database, Func<string, string> sql)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(sql);
        var command = database.Search.CreateCommand(sql($"where {string.Join(" and ", _conditions)}"));
        _values.ForEach(value => command.Parameters.Add(UnitOfWork.Parameter(value)));
        return command;
    }

    /// <summary>Reads the rows, one more than the page shows.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="page">As asked for.</param>
    /// <param name="list">The list it is of.</param>
    /// <param name="cancel">Cancels.</param>
    public async Task<IReadOnlyList<T>> ReadAsync<T>(
        UnitOfWork work,
        PageRequest page,
        Listed<T> list,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var command = work.Command(SqlOf(page, list), _values.ToArray());
        return await RowsAsync(command, page, list, cancel);
    }

    /// <summary>Answers the page, or what is wrong with the request: how every list ends.</summary>
    /// <param name="context">The request.</param>
    /// <param name="database">Where it is read.</param>
    /// <param name="query">What was asked, all of it read.</param>
    /// <param name="page">As asked for.</param>
    /// <param name="list">The list it is of.</param>
    /// <param name="refused">Why this caller does not get it, if that is so.</param>
    public Task AnswerAsync<T>(
        HttpContext context,
        Database database,
        Query query,
        PageRequest page,
        Listed<T> list,
        Refusal? refused = null
    ) => AnswerAsync(context, database, query, page, list, static row => row, refused);

    /// <summary>Answers the page as the caller sees its rows, or what is wrong with the request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="database">Where it is read.</param>
    /// <param name="query">What was asked, all of it read.</param>
    /// <param name="page">As asked for.</param>
    /// <param name="list">The list it is of.</param>
    /// <param name="view">What the caller sees of a row.</param>
    /// <param name="refused">Why this caller does not get it, if that is so.</param>
    public async Task AnswerAsync<T, TView>(
        HttpContext context,
        Database database,
        Query query,
        PageRequest page,
        Listed<T> list,
        Func<T, TView> view,
        Refusal? refused = null
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(list);
        if ((query.Finish() ?? refused) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var command = database.Search.CreateCommand(SqlOf(page, list));
        _values.ForEach(value => command.Parameters.Add(UnitOfWork.Parameter(value)));
        var rows = await RowsAsync(command, page, list, context.RequestAborted);
        await page.Answer(context, rows, view, list.Key).SendAsync(context);
    }

    private string SqlOf<T>(PageRequest page, Listed<T> list)
    {
        ArgumentNullException.ThrowIfNull(page);
        ArgumentNullException.ThrowIfNull(list);
        var (sort, id) = (list.Sort, list.Id);
        _conditions.Add(page.Where(sort.Column, sort.Type, id.Column, id.Type, _values));
        return $"{list.Select} where {string.Join(" and ", _conditions)} {page.OrderBy(sort.Column, id.Column)}";
    }

    private static async Task<List<T>> RowsAsync<T>(
        NpgsqlCommand command,
        PageRequest page,
        Listed<T> list,
        CancellationToken cancel
    )
    {
        await using var row = await command.ExecuteReaderAsync(cancel);
        var rows = new List<T>(page.Fetch);
        while (await row.ReadAsync(cancel))
        {
            rows.Add(list.Read(row));
        }

        return rows;
    }
}
