using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// A number in a path is written in digits and in nothing else: the constraint that comes with the framework also
/// takes blanks, line breaks and signs, so that one coupon would have many addresses.
/// </summary>
public sealed class DigitsConstraint : IRouteConstraint
{
    /// <inheritdoc/>
    public bool Match(
        HttpContext? httpContext,
        IRouter? route,
        string routeKey,
        RouteValueDictionary values,
        RouteDirection routeDirection
    )
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.TryGetValue(routeKey, out var value)
            && long.TryParse(
                Convert.ToString(value, CultureInfo.InvariantCulture),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out _
            );
    }
}
