using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Tessera.Core.Codes;

/// <summary>
/// The code points whose NFKC form in upper case (Unicode 15, UAX #15) consists of characters that codes may have:
/// full-width letters, mathematical alphabets, Roman numerals and the like. Every other non-ASCII character is none of a
/// code's, so this is all of NFKC that codes need, and it is the same on systems without the ICU libraries.
/// </summary>
internal static class CompatibilityForms
{
    /// <summary>A run is <c>first[+length]=text</c>; in a run the text counts up with the code point.</summary>
    private const string Runs =
        "aa=A b2+2=2 b9=1 ba=O df=SS 131=I 132=IJ 133=IJ 17f=S 1c7=LJ 1c8=LJ 1c9=LJ 1ca=NJ 1cb=NJ 1cc=NJ "
        + "1f1=DZ 1f2=DZ 1f3=DZ 2b0=H 2b2=J 2b3=R 2b7=W 2b8=Y 2e1=L 2e2=S 2e3=X 1d2c=A 1d2e=B 1d30+2=D "
        + "1d33+8=G 1d3c=O 1d3e=P 1d3f=R 1d40+2=T 1d42=W 1d43=A 1d47=B 1d48+2=D 1d4d=G 1d4f=K 1d50=M 1d52=O "
        + "1d56=P 1d57+2=T 1d5b=V 1d62=I 1d63=R 1d64+2=U 1d9c=C 1da0=F 1dbb=Z 2070=0 2071=I 2074+6=4 207f=N "
        + "2080+10=0 2090=A 2091=E 2092=O 2093=X 2095=H 2096+4=K 209a=P 209b+2=S 20a8=RS 2102=C 210a+2=G "
        + "210c=H 210d=H 210e=H 2110=I 2111=I 2112=L 2113=L 2115=N 2116=NO 2119+3=P 211c=R 211d=R 2120=SM "
        + "2121=TEL 2122=TM 2124=Z 2128=Z 212a=K 212c+2=B 212f=E 2130+2=E 2133=M 2134=O 2139=I 213b=FAX "
        + "2145=D 2146+2=D 2148+2=I 2160=I 2161=II 2162=III 2163=IV 2164=V 2165=VI 2166=VII 2167=VIII "
        + "2168=IX 2169=X 216a=XI 216b=XII 216c=L 216d+2=C 216f=M 2170=I 2171=II 2172=III 2173=IV 2174=V "
        + "2175=VI 2176=VII 2177=VIII 2178=IX 2179=X 217a=XI 217b=XII 217c=L 217d+2=C 217f=M 2460+9=1 "
        + "2469=10 246a=11 246b=12 246c=13 246d=14 246e=15 246f=16 2470=17 2471=18 2472=19 2473=20 "
        + "24b6+26=A 24d0+26=A 24ea=0 2c7c=J 2c7d=V 3250=PTE 3251=21 3252=22 3253=23 3254=24 3255=25 "
        + "3256=26 3257=27 3258=28 3259=29 325a=30 325b=31 325c=32 325d=33 325e=34 325f=35 32b1=36 32b2=37 "
        + "32b3=38 32b4=39 32b5=40 32b6=41 32b7=42 32b8=43 32b9=44 32ba=45 32bb=46 32bc=47 32bd=48 32be=49 "
        + "32bf=50 32cc=HG 32cd=ERG 32ce=EV 32cf=LTD 3371=HPA 3372=DA 3373=AU 3374=BAR 3375=OV 3376=PC "
        + "3377=DM 3378=DM2 3379=DM3 337a=IU 3380=PA 3381=NA 3383=MA 3384=KA 3385=KB 3386=MB 3387=GB "
        + "3388=CAL 3389=KCAL 338a=PF 338b=NF 338e=MG 338f=KG 3390=HZ 3391=KHZ 3392=MHZ 3393=GHZ 3394=THZ "
        + "3396=ML 3397=DL 3398=KL 3399=FM 339a=NM 339c=MM 339d=CM 339e=KM 339f=MM2 33a0=CM2 33a1=M2 "
        + "33a2=KM2 33a3=MM3 33a4=CM3 33a5=M3 33a6=KM3 33a9=PA 33aa=KPA 33ab=MPA 33ac=GPA 33ad=RAD 33b0=PS "
        + "33b1=NS 33b3=MS 33b4=PV 33b5=NV 33b7=MV 33b8=KV 33b9=MV 33ba=PW 33bb=NW 33bd=MW 33be=KW 33bf=MW "
        + "33c3=BQ 33c4=CC 33c5=CD 33c8=DB 33c9=GY 33ca=HA 33cb=HP 33cc=IN 33cd=KK 33ce=KM 33cf=KT 33d0=LM "
        + "33d1=LN 33d2=LOG 33d3=LX 33d4=MB 33d5=MIL 33d6=MOL 33d7=PH 33d9=PPM 33da=PR 33db=SR 33dc=SV "
        + "33dd=WB 33ff=GAL a7f2=C a7f3=F a7f4=Q fb00=FF fb01=FI fb02=FL fb03=FFI fb04=FFL fb05=ST fb06=ST "
        + "fe33=_ fe34=_ fe4d=_ fe4e=_ fe4f=_ fe63=- ff0d=- ff10+10=0 ff21+26=A ff3f=_ ff41+26=A 107a5=Q "
        + "1d400+26=A 1d41a+26=A 1d434+26=A 1d44e+7=A 1d456+18=I 1d468+26=A 1d482+26=A 1d49c=A 1d49e+2=C "
        + "1d4a2=G 1d4a5+2=J 1d4a9+4=N 1d4ae+8=S 1d4b6+4=A 1d4bb=F 1d4bd+7=H 1d4c5+11=P 1d4d0+26=A "
        + "1d4ea+26=A 1d504+2=A 1d507+4=D 1d50d+8=J 1d516+7=S 1d51e+26=A 1d538+2=A 1d53b+4=D 1d540+5=I "
        + "1d546=O 1d54a+7=S 1d552+26=A 1d56c+26=A 1d586+26=A 1d5a0+26=A 1d5ba+26=A 1d5d4+26=A 1d5ee+26=A "
        + "1d608+26=A 1d622+26=A 1d63c+26=A 1d656+26=A 1d670+26=A 1d68a+26=A 1d6a4=I 1d7ce+10=0 1d7d8+10=0 "
        + "1d7e2+10=0 1d7ec+10=0 1d7f6+10=0 1f12b=C 1f12c=R 1f12d=CD 1f12e=WZ 1f130+26=A 1f14a=HV 1f14b=MV "
        + "1f14c=SD 1f14d=SS 1f14e=PPV 1f14f=WC 1f16a=MC 1f16b=MD 1f16c=MR 1f190=DJ 1fbf0+10=0 ";

    private static readonly FrozenDictionary<int, string> Forms = Build();

    /// <summary>NFKC in upper case, as far as codes go; other characters stay as they are.</summary>
    public static string Fold(string text)
    {
        var folded = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.IsAscii)
            {
                folded.Append(char.ToUpperInvariant((char)rune.Value));
            }
            else if (Forms.TryGetValue(rune.Value, out var form))
            {
                folded.Append(form);
            }
            else
            {
                folded.Append(rune.ToString());
            }
        }

        return folded.ToString();
    }

    private static FrozenDictionary<int, string> Build()
    {
        var forms = new Dictionary<int, string>();
        foreach (var run in Runs.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = run.IndexOf('=', StringComparison.Ordinal);
            var head = run[..equals].Split('+');
            var first = int.Parse(head[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var length = head.Length > 1 ? int.Parse(head[1], CultureInfo.InvariantCulture) : 1;
            var text = run[(equals + 1)..];
            for (var i = 0; i < length; i++)
            {
                forms[first + i] = length == 1 ? text : ((char)(text[0] + i)).ToString();
            }
        }

        return forms.ToFrozenDictionary();
    }
}
