using Microsoft.AspNetCore.Http;
using Tessera.Server.Platform.Http;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

public sealed class IdempotencyKeyTests
{
    private static readonly Guid Client = Guid.CreateVersion7();

    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("\"abc\"", "abc")]
    [InlineData(" \"abc\" ", "abc")]
    [InlineData("\"a\\\"b\\\\c\"", "a\"b\\c")]
    public void The_bare_form_and_the_structured_form_are_one_key(string header, string bare) =>
        Assert.Equal(
            IdempotencyKey.Of(Client, "/x", "POST", "/x", bare, "{}"u8).KeyHash,
            IdempotencyKey.Read(With(header), Client, "{}"u8).Key.KeyHash
        );

    [Theory]
    [InlineData("")]
    [InlineData("\"\"")]
    [InlineData("a b")]
    [InlineData("\"a\tb\"")]
    [InlineData("ü")]
    [InlineData("\"a\\b\"")]
    [InlineData("\"a\"b\"")]
    public void What_is_not_one_visible_ascii_string_is_refused(string header) =>
        Assert.Equal("idempotency_key_malformed", IdempotencyKey.Read(With(header), Client, []).Refusal?.Code);

    [Fact]
    public void A_key_has_at_most_255_characters_and_is_given_once()
    {
        Assert.Null(IdempotencyKey.Read(With(new string('k', 255)), Client, []).Refusal);
        Assert.NotNull(IdempotencyKey.Read(With(new string('k', 256)), Client, []).Refusal);
        var twice = new DefaultHttpContext();
        twice.Request.Headers["Idempotency-Key"] = new string[] { "a", "b" };
        Assert.NotNull(IdempotencyKey.Read(twice, Client, []).Refusal);
        Assert.Equal(
            "idempotency_key_missing",
            IdempotencyKey.Read(new DefaultHttpContext(), Client, []).Refusal?.Code
        );
    }

    [Fact]
    public void A_key_is_its_clients_and_its_operations_alone()
    {
        var key = IdempotencyKey.Of(Client, "/a/{id}", "POST", "/a/1", "k", "{}"u8);
        Assert.Equal(key.KeyHash, IdempotencyKey.Of(Client, "/a/{id}", "POST", "/a/2", "k", "{}"u8).KeyHash);
        Assert.NotEqual(key.RequestHash, IdempotencyKey.Of(Client, "/a/{id}", "POST", "/a/2", "k", "{}"u8).RequestHash);
        Assert.NotEqual(
            key.RequestHash,
            IdempotencyKey.Of(Client, "/a/{id}", "POST", "/a/1", "k", "{ }"u8).RequestHash
        );
        Assert.NotEqual(
            key.KeyHash,
            IdempotencyKey.Of(Guid.CreateVersion7(), "/a/{id}", "POST", "/a/1", "k", "{}"u8).KeyHash
        );
        Assert.NotEqual(key.KeyHash, IdempotencyKey.Of(Client, "/b/{id}", "POST", "/a/1", "k", "{}"u8).KeyHash);
        Assert.NotEqual(key.KeyHash, IdempotencyKey.Of(Client, "/a/{id}", "POST", "/a/1", "l", "{}"u8).KeyHash);
    }

    private static DefaultHttpContext With(string header)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = "POST";
        context.Request.Path = "/x";
        context.Request.Headers["Idempotency-Key"] = header;
        return context;
    }
}
