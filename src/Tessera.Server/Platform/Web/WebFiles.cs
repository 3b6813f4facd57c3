using System.Collections.Frozen;
using System.Security.Cryptography;

namespace Tessera.Server.Platform.Web;

/// <summary>The files of the built admin app, held in memory with their compressed forms.</summary>
public sealed class WebFiles
{
    private const string IndexName = "index.html";

    /// <summary>What the build makes; anything else is not served.</summary>
    private static readonly FrozenDictionary<string, string> ContentTypes = new Dictionary<string, string>(
        StringComparer.Ordinal
    )
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".json"] = "application/json",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
        [".woff2"] = "font/woff2",
        [".webmanifest"] = "application/manifest+json",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly FrozenDictionary<string, WebFile> _files;

    private WebFiles(FrozenDictionary<string, WebFile> files, WebFile index) => (_files, Index) = (files, index);

    /// <summary>The page every address of the app begins with.</summary>
    public WebFile Index { get; }

    /// <summary>The file at a path below the app's address, with forward slashes; null if there is none.</summary>
    public WebFile? Find(string path) => _files.GetValueOrDefault(path);

    /// <summary>Reads a directory the web build has written.</summary>
    /// <returns>Null if there is no built app in it.</returns>
    public static WebFiles? Read(string directory)
    {
        if (!File.Exists(Path.Combine(directory, IndexName)))
        {
            return null;
        }

        var files = new Dictionary<string, WebFile>(StringComparer.Ordinal);
        foreach (var place in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            if (ContentTypes.TryGetValue(Path.GetExtension(place), out var contentType))
            {
                var name = Path.GetRelativePath(directory, place).Replace('\\', '/');
                files[name] = Load(place, name, contentType);
            }
        }

        return new WebFiles(files.ToFrozenDictionary(StringComparer.Ordinal), files[IndexName]);
    }

    private static WebFile Load(string place, string name, string contentType)
    {
        var body = File.ReadAllBytes(place);
        var etag = "\"" + Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 12)) + "\"";
        // The build puts a hash into the name of everything below assets/, so those never change.
        var isHashed = name.StartsWith("assets/", StringComparison.Ordinal);
        return new WebFile(body, ReadIfAny(place + ".br"), ReadIfAny(place + ".gz"), contentType, etag, isHashed);
    }

    private static ReadOnlyMemory<byte>? ReadIfAny(string place)
    {
        // A null array would become an empty memory, not none.
        if (!File.Exists(place))
        {
            return null;
        }

        return File.ReadAllBytes(place);
    }
}

/// <summary>A file of the app.</summary>
/// <param name="Body">As it is.</param>
/// <param name="Brotli">Compressed; null where that gains nothing.</param>
/// <param name="Gzip">Compressed; null where that gains nothing.</param>
/// <param name="ContentType">For the header of that name.</param>
/// <param name="ETag">Of the uncompressed body.</param>
/// <param name="IsHashed">Whether its name changes with its content.</param>
public sealed record WebFile(
    ReadOnlyMemory<byte> Body,
    ReadOnlyMemory<byte>? Brotli,
    ReadOnlyMemory<byte>? Gzip,
    string ContentType,
    string ETag,
    bool IsHashed
);
