using System.Security.Cryptography;
using Tessera.Core.Codes;
using Xunit;

namespace Tessera.Core.Tests.Codes;

public sealed class CouponCodeTests
{
    [Theory]
    [InlineData(" save-10 ", "SAVE-10")]
    [InlineData("ＳＡＶＥ＿１０", "SAVE_10")]
    [InlineData("𝐬𝐚𝐯𝐞", "SAVE")]
    [InlineData("Ⅻ", "XII")]
    [InlineData("\u3000SAVE\u00a0", "SAVE")]
    public void Spellings_of_a_code_have_one_normal_form(string text, string code)
    {
        Assert.True(CouponCode.TryNormalise(text, out var normal));
        Assert.Equal(code, normal);
        Assert.True(CouponCode.TryNormalise(normal, out var again));
        Assert.Equal(normal, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("SAVE 10")]
    [InlineData("SAVE\n10")]
    [InlineData("SAVÉ")]
    [InlineData("SАVE")] // a Cyrillic letter
    [InlineData("\ud800")]
    [InlineData("SAVE'; drop table")]
    public void What_can_be_no_code_is_none(string text) => Assert.False(CouponCode.TryNormalise(text, out _));

    [Fact]
    public void A_line_break_at_the_end_is_trimmed_away_and_one_within_is_not() =>
        Assert.True(CouponCode.TryNormalise("SAVE10\r\n", out var code) && code == "SAVE10");

    [Fact]
    public void A_secret_uses_all_sixty_bits()
    {
        Span<char> code = stackalloc char[CodeAlphabet.SecretLength];
        var seen = new HashSet<char>[CodeAlphabet.SecretLength];
        for (var i = 0; i < 2000; i++)
        {
            CodeAlphabet.WriteSecret(RandomNumberGenerator.GetBytes(CodeAlphabet.SecretBytes), code);
            for (var place = 0; place < code.Length; place++)
            {
                (seen[place] ??= []).Add(code[place]);
            }
        }

        Assert.All(seen, symbols => Assert.Equal(32, symbols.Count));
    }

    [Fact]
    public void Shapes_of_the_examples_can_be_made()
    {
        var day = new DateOnly(2024, 12, 3);
        var random = new byte[20];
        Assert.Equal("SAVE2024", CodeAlphabet.Shape(new CodeOptions("SAVE", IncludeYear: true), day, random));
        Assert.Equal("FREE30DEC", CodeAlphabet.Shape(new CodeOptions("FREE30", IncludeMonth: true), day, random));
        Assert.Equal(8, CodeAlphabet.Shape(new CodeOptions("NEW", RandomSuffix: true, Length: 8), day, random).Length);
        Assert.Equal("WELCOME2024", CodeAlphabet.Shape(new CodeOptions("WELCOME", IncludeYear: true), day, random));
    }
}
