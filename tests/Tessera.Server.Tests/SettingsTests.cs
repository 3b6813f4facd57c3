using Npgsql;
using Xunit;

namespace Tessera.Server.Tests;

/// <summary>Settings from the environment (convention 31).</summary>
public sealed class SettingsTests
{
    [Fact]
    public void A_url_and_keywords_name_the_same_database()
    {
        var url = Parsed("postgres://anna:p%40ss@localhost:5433/shop?sslmode=disable");
        var keywords = Parsed("Host=localhost;Port=5433;Username=anna;Password=p@ss;Database=shop;SSL Mode=Disable");
        Assert.Equal(
            (url.Host, url.Port, url.Username, url.Password, url.Database, url.SslMode),
            (keywords.Host, keywords.Port, keywords.Username, keywords.Password, keywords.Database, keywords.SslMode)
        );
        Assert.Equal("p@ss", url.Password);
    }

    [Fact]
    public void A_database_elsewhere_has_to_prove_its_name()
    {
        Assert.Equal(SslMode.VerifyFull, Parsed("postgres://db.example/shop").SslMode);
        Assert.Equal(SslMode.Require, Parsed("postgres://db.example/shop?sslmode=require").SslMode);
        Assert.NotEqual(SslMode.VerifyFull, Parsed("postgres://localhost/shop").SslMode);
    }

    [Fact]
    public void The_names_of_libpq_are_understood()
    {
        var read = new NpgsqlConnectionStringBuilder(
            Read(
                ("PGHOST", "db.example"),
                ("PGPORT", "5444"),
                ("PGDATABASE", "shop"),
                ("PGUSER", "anna"),
                ("PGPASSWORD", "secret"),
                ("PGSSLMODE", "verify-ca")
            ).ConnectionString
        );
        Assert.Equal(
            ("db.example", 5444, "shop", "anna", "secret", SslMode.VerifyCA),
            (read.Host, read.Port, read.Database, read.Username, read.Password, read.SslMode)
        );
    }

    [Fact]
    public void The_management_port_is_one_of_its_own()
    {
        var refused = Assert.Throws<SettingException>(() =>
            Read(("PORT", "8080"), ("TESSERA_MANAGEMENT_PORT", "8080"))
        );
        Assert.Contains("TESSERA_MANAGEMENT_PORT", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_may_stand_in_a_file()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "postgres://localhost/from-a-file\n");
            var read = Read(("TESSERA_DATABASE_URL_FILE", file));
            Assert.Equal("from-a-file", new NpgsqlConnectionStringBuilder(read.ConnectionString).Database);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_mail_server_elsewhere_is_spoken_to_by_tls_alone()
    {
        const string from = "Shop <coupons@example.com>";
        var near = Read(("TESSERA_SMTP_URL", "smtp://127.0.0.1:2525"), ("TESSERA_SMTP_FROM", from)).Smtp!;
        Assert.Equal((2525, false, false, null), (near.Port, near.NeedsTls, near.IsTlsFromStart, near.User));
        Assert.Equal(("coupons@example.com", "Shop"), (near.From, near.FromName));
        var read = Read(("TESSERA_SMTP_URL", "smtp://a%40b:p%3Aw@mail.example"), ("TESSERA_SMTP_FROM", from));
        var far = read.Smtp!;
        Assert.Equal(
            (587, true, false, "a@b", "p:w"),
            (far.Port, far.NeedsTls, far.IsTlsFromStart, far.User, far.Password)
        );
        Assert.DoesNotContain(
            "p:w",
            string.Join(' ', read.Describe().Select(static s => s.Value)),
            StringComparison.Ordinal
        );
        var wrapped = Read(("TESSERA_SMTP_URL", "smtps://mail.example"), ("TESSERA_SMTP_FROM", from)).Smtp!;
        Assert.Equal((465, true, true), (wrapped.Port, wrapped.NeedsTls, wrapped.IsTlsFromStart));
        Assert.Null(Read().Smtp);

        foreach (
            var wrong in ((string, string)[][])
                [
                    [("TESSERA_SMTP_URL", "smtp://mail.example")],
                    [("TESSERA_SMTP_FROM", from)],
                    [("TESSERA_SMTP_URL", "https://mail.example"), ("TESSERA_SMTP_FROM", from)],
                    [("TESSERA_SMTP_URL", "smtp://mail.example/x"), ("TESSERA_SMTP_FROM", from)],
                    [("TESSERA_SMTP_URL", "smtp://mail.example"), ("TESSERA_SMTP_FROM", "nobody")],
                    [
                        ("TESSERA_SMTP_URL", "smtp://mail.example"),
                        ("TESSERA_SMTP_FROM", from),
                        ("TESSERA_SMTP_CA", "no certificate"),
                    ],
                ]
        )
        {
            var refused = Assert.Throws<SettingException>(() => Read(wrong));
            Assert.Contains("TESSERA_SMTP_", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("PORT", "many")]
    [InlineData("PORT", "70000")]
    [InlineData("TESSERA_LANES", "0")]
    [InlineData("TESSERA_UNDO_DAYS", "365")]
    [InlineData("TESSERA_HOST", "here and there")]
    [InlineData("TESSERA_ALLOW_UNSAFE_DURABILITY", "maybe")]
    [InlineData("TESSERA_DATABASE_URL", "postgres://host:none/shop")]
    [InlineData("TESSERA_DATABASE_URL", "nonsense")]
    [InlineData("TESSERA_DATABASE_URL_FILE", "/no/such/file")]
    [InlineData("TESSERA_LANE", "2")]
    public void A_wrong_setting_is_one_line_that_names_it(string name, string value)
    {
        var error = Assert.Throws<SettingException>(() => Read((name, value)));
        Assert.StartsWith(name, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain(value, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_settings_in_force_are_shown_without_secrets()
    {
        var shown = Read(("TESSERA_DATABASE_URL", "postgres://anna:topsecret@localhost/shop")).Describe();
        var text = string.Join('\n', shown.Select(static s => s.Name + "=" + s.Value));
        Assert.Contains("anna", text, StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", text, StringComparison.Ordinal);
    }

    private static NpgsqlConnectionStringBuilder Parsed(string value) =>
        new(DatabaseAddress.ConnectionStringOf("TESSERA_DATABASE_URL", value));

    private static Settings Read(params (string Name, string Value)[] environment)
    {
        var values = environment.ToDictionary(static v => v.Name, static v => v.Value, StringComparer.Ordinal);
        return Settings.Read(values.GetValueOrDefault, values.Keys);
    }
}
