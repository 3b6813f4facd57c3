using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Notifications;

/// <summary>What customers are told by mail.</summary>
public static class NotificationsRoom
{
    /// <summary>Registers the workers.</summary>
    public static IServiceCollection AddNotifications(this IServiceCollection services) =>
        services
            .AddSingleton<DueNotices>()
            .AddSingleton<NoticeSender>()
            .AddSingleton<IScheduledPass, NoticeWatch>()
            .AddRetained(NotificationRetention.Kinds)
            .AddHostedService(static p => p.GetRequiredService<DueNotices>())
            .AddHostedService(static p => p.GetRequiredService<NoticeSender>());

    /// <summary>Adds the routes.</summary>
    public static void MapNotifications(this IEndpointRouteBuilder api) => NotificationEndpoints.Map(api);
}
