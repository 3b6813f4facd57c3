using Microsoft.AspNetCore.Http;
using Tessera.Server.Platform.Http;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

public sealed class ETagsTests
{
    [Theory]
    [InlineData("\"3\"")]
    [InlineData("\"1\", \"3\"")]
    [InlineData("*")]
    public void A_change_of_the_present_state_passes(string header) => Assert.Null(ETags.Check(With(header), "\"3\""));

    [Theory]
    [InlineData("\"2\"")]
    [InlineData("W/\"3\"")]
    [InlineData("3")]
    [InlineData("")]
    public void A_change_of_another_state_is_stale(string header) =>
        Assert.Same(ETags.Stale, ETags.Check(With(header), "\"3\""));

    [Fact]
    public void A_change_of_no_named_state_is_refused() =>
        Assert.Same(ETags.Missing, ETags.Check(new DefaultHttpContext(), "\"3\""));

    [Fact]
    public void A_reader_who_has_the_state_need_not_get_it_again()
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.IfNoneMatch = "W/\"3\"";
        Assert.True(ETags.IsUnchanged(context, "\"3\""));
        Assert.False(ETags.IsUnchanged(context, "\"4\""));
    }

    private static DefaultHttpContext With(string ifMatch)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.IfMatch = ifMatch;
        return context;
    }
}
