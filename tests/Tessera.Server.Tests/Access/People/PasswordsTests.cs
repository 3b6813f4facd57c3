using Tessera.Server.Access.People;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>What may be a password (convention 54). Not beside the tests that count how often one is compared.</summary>
[Collection(PostgresCollection.Name)]
public sealed class PasswordsTests
{
    [Theory]
    [InlineData("customer", "plover7", "too_short")]
    [InlineData("staff", "plover-quartz-7", null)]
    [InlineData("staff", "plover-quartz7", "too_short")]
    [InlineData("customer", "PASSWORD1", "common_password")]
    [InlineData("customer", "aaaaaaaaaaaaaaaa", "common_password")]
    [InlineData("customer", "tessera1", "contains_context")]
    [InlineData("customer", "ada.lovelace", "contains_context")]
    [InlineData("customer", "пароль-снежинка", null)]
    [InlineData("customer", "👩‍🚀👩‍🚀👩‍🚀👩‍🚀", "too_short")]
    public void A_password_is_long_and_not_one_that_is_tried_first(string realm, string password, string? code) =>
        Assert.Equal(code, Passwords.Fault(password, realm, "ada@lovelace.example", "Ada Lovelace")?.Code);

    [Fact]
    public async Task A_password_is_verified_to_its_last_character()
    {
        using var passwords = new Passwords();
        var long128 = new string('x', 127) + "y";
        var hash = await passwords.HashAsync(long128, default);
        Assert.Equal((true, false), await passwords.VerifyAsync(hash, long128, default));
        Assert.False((await passwords.VerifyAsync(hash, new string('x', 127) + "z", default)).IsRight);
        Assert.False((await passwords.VerifyAsync(null, long128, default)).IsRight);
    }
}
