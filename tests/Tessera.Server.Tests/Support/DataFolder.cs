namespace Tessera.Server.Tests.Support;

/// <summary>Files of a data set, made for one test.</summary>
public sealed class DataFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("tessera-replay-").FullName;

    /// <summary>A few rows as those of complete-journey.</summary>
    public static DataFolder SmallJourney()
    {
        var files = new DataFolder();
        files.Write(
            "campaign_descriptions.csv",
            "campaign_id,campaign_type,start_date,end_date\n1,Type B,2017-03-03,2017-04-09\n2,Type A,2017-03-03,2017-03-04\n"
        );
        files.Write("campaigns.csv", "campaign_id,household_id\n1,105\n1,1238\n2,105\n");
        files.Write(
            "coupons.csv",
            "coupon_upc,product_id,campaign_id\n10000085207,1,1\n10000085207,2,1\n10000085207,2,1\n10000085208,3,2\n"
        );

        // The last day still counts; the day after it, a household without the campaign, and no more, do not.
        files.Write(
            "coupon_redemptions.csv",
            "household_id,coupon_upc,campaign_id,redemption_date\n105,10000085207,1,2017-03-03\n105,10000085208,2,2017-03-04\n"
                + "105,10000085208,2,2017-03-05\n1238,10000085207,1,2017-04-09\n1238,10000085208,2,2017-03-04\n"
        );
        files.Write("demographics.csv", "household_id,age\n105,65+\n");
        files.Write(
            "transactions_sample.csv",
            "household_id,store_id,basket_id,coupon_disc,transaction_timestamp\n105,1,7,0.55,2017-11-05T23:30:00-05:00\n"
        );
        return files;
    }

    public void Write(string name, string text) => File.WriteAllText(System.IO.Path.Combine(Path, name), text);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
