using System.Globalization;
using System.Text.Json;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>Finds where a body that is JSON is nested too deeply, so that the refusal can name the place.</summary>
internal static class DepthFault
{
    /// <summary>The first place nested deeper than a bound; null when there is none, or the bytes are no JSON object.</summary>
    public static FieldError? Of(ReadOnlySpan<byte> body, int bound)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = RequestBody.MaximumBytes });
        var path = new List<string>();
        var places = new int[bound + 1];
        string[]? found = null;
        try
        {
            while (reader.Read())
            {
                var depth = reader.CurrentDepth;
                if (found is not null || depth > bound)
                {
                    // Read to its end: only a body that is whole is called too deep.
                    continue;
                }

                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    path.RemoveRange(depth - 1, path.Count - depth + 1);
                    path.Add(reader.GetString()!);
                    continue;
                }

                if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
                {
                    path.RemoveRange(depth, path.Count - depth);
                    continue;
                }

                if (depth == 0 && reader.TokenType != JsonTokenType.StartObject)
                {
                    return null;
                }

                if (path.Count < depth)
                {
                    path.Add("");
                }

                if (depth > 0 && places[depth] >= 0)
                {
                    path.RemoveRange(depth - 1, path.Count - depth + 1);
                    path.Add(places[depth]++.ToString(CultureInfo.InvariantCulture));
                }

                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                {
                    if (depth == bound)
                    {
                        found = [.. path];
                        continue;
                    }

                    // Items of a list are counted; members of an object have names.
                    places[depth + 1] = reader.TokenType == JsonTokenType.StartArray ? 0 : -1;
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }

        return found is null
            ? null
            : new FieldError(
                string.Join('.', found),
                "#/" + string.Join('/', found.Select(Fields.Escape)),
                "too_deep",
                $"This is nested deeper than {bound:maximum}."
            );
    }
}
