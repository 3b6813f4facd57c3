using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Tessera.Server.Platform.Http.Api;

/// <summary>The doc comments of the types on the wire: the API description says what the code says.</summary>
internal sealed partial class DocComments
{
    private readonly Dictionary<string, XElement> _members = new(StringComparer.Ordinal);

    /// <summary>Reads the comments that were built beside an assembly; none if they were not.</summary>
    public DocComments(params IEnumerable<Assembly> assemblies)
    {
        foreach (var assembly in assemblies)
        {
            var file = Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml");
            if (!File.Exists(file))
            {
                continue;
            }

            foreach (var member in XDocument.Load(file).Descendants("member"))
            {
                _members[member.Attribute("name")?.Value ?? ""] = member;
            }
        }
    }

    /// <summary>What a type is; null when it does not say.</summary>
    public string? Of(Type type) => Text(Member(type)?.Element("summary"));

    /// <summary>What a property is: its own summary, or the parameter of its record.</summary>
    public string? Of(Type type, string property)
    {
        var own = _members.GetValueOrDefault($"P:{Name(type)}.{property}")?.Element("summary");
        return Text(own ?? Member(type)?.Elements("param").FirstOrDefault(p => p.Attribute("name")?.Value == property));
    }

    private XElement? Member(Type type) => _members.GetValueOrDefault("T:" + Name(type));

    private static string Name(Type type) =>
        ((type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName ?? type.Name).Replace('+', '.');

    private static string? Text(XElement? element)
    {
        if (element is null)
        {
            return null;
        }

        foreach (
            var reference in element.Descendants().Where(static e => e.Name == "see" || e.Name == "paramref").ToArray()
        )
        {
            var target = reference.Attribute("cref")?.Value ?? reference.Attribute("name")?.Value ?? "";
            reference.ReplaceWith(target[(target.LastIndexOf('.') + 1)..]);
        }

        return Spaces().Replace(element.Value, " ").Trim();
    }

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex Spaces();
}
