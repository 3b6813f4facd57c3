using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Audit;
using Xunit;

namespace Tessera.Server.Tests.Support;

/// <summary>That every promise holds (<c>tessera verify</c>), once everything is sealed.</summary>
internal static class Verified
{
    public static async Task AssertAsync(TestHost host)
    {
        await host.Services.GetServices<IHostedService>().OfType<Sealer>().Single().SealAsync(default);
        await foreach (var finding in new Verification(host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }
}
