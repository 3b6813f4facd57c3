namespace Tessera.Server.Insights.Views;

/// <summary>A view to save.</summary>
/// <param name="List">Which list it is a view of: coupons or redemptions.</param>
/// <param name="Name">For people; saving under a name one has used replaces that view.</param>
/// <param name="Query">Filters and sort as the page's address has them, without the question mark.</param>
/// <param name="Role">Everyone of this role sees it too; without one it is the saver's alone.</param>
internal sealed record SavedViewWanted(string List, string Name, string Query, string? Role = null);

/// <summary>A saved view.</summary>
/// <param name="Id">To remove it by.</param>
/// <param name="List">Which list it is a view of.</param>
/// <param name="Name">For people.</param>
/// <param name="Query">Filters and sort.</param>
/// <param name="Role">With whom it is shared; null for nobody.</param>
/// <param name="IsOwn">Whether the caller saved it, and may remove it.</param>
internal sealed record SavedView(Guid Id, string List, string Name, string Query, string? Role, bool IsOwn);
