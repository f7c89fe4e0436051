//! When it is night where a recipient may be, at instants that are fixed.

use crate::support::db::Db;

/// In the nights of the tests nobody is written to from nine in the evening to eight in the morning.
const FROM: &str = "21:00";
const UNTIL: &str = "08:00";
/// By day.
const NOW: &str = "";

/// `quiet_until` at an instant in these zones; an instant without seconds, or nothing for by day.
struct Sky {
    db: Db,
}

impl Sky {
    async fn new() -> anyhow::Result<Sky> {
        let db = Db::new().await?;
        db.owner
            .batch_execute("set time zone 'UTC'; set datestyle = 'ISO'")
            .await?;
        Ok(Sky { db })
    }

    async fn quiet(
        &self,
        zones: &[&str],
        at: &str,
        from: &str,
        until: &str,
    ) -> anyhow::Result<String> {
        let sql = "select coalesce(baton_api.quiet_until($1, $2::text::timestamptz, $3::text::time, $4::text::time)::text, '')";
        let row = self
            .db
            .owner
            .query_one(sql, &[&zones, &at, &from, &until])
            .await?;
        let text: String = row.get(0);
        Ok(text.trim_end_matches(":00+00").replace(' ', "T"))
    }

    /// Each row: the zones, the instant, and until when it is quiet.
    async fn check(&self, rows: &[(&[&str], &str, &str)]) -> anyhow::Result<()> {
        for (zones, at, expected) in rows {
            let at = format!("{at}Z");
            let quiet = self.quiet(zones, &at, FROM, UNTIL).await?;
            assert_eq!(quiet, *expected, "{zones:?} at {at}");
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_night_goes_from_evening_over_midnight_to_morning() -> anyhow::Result<()> {
    let berlin: &[&str] = &["Europe/Berlin"];
    let sky = Sky::new().await?;
    sky.check(&[
        (berlin, "2026-01-10T12:00", NOW),
        (berlin, "2026-01-10T19:59:59.999999", NOW),
        (berlin, "2026-01-10T20:00", "2026-01-11T07:00"),
        (berlin, "2026-01-10T22:59:59", "2026-01-11T07:00"),
        (berlin, "2026-01-10T23:00", "2026-01-11T07:00"),
        (berlin, "2026-01-11T06:59:59.999999", "2026-01-11T07:00"),
        (berlin, "2026-01-11T07:00", NOW),
        // The last night of a year.
        (berlin, "2026-12-31T22:30", "2027-01-01T07:00"),
        (&["UTC"], "2026-01-10T21:00", "2026-01-11T08:00"),
    ])
    .await?;
    Ok(())
}

#[tokio::test]
async fn quiet_hours_may_lie_within_a_day_or_be_none() -> anyhow::Result<()> {
    let sky = Sky::new().await?;
    for (from, until, at, expected) in [
        ("12:00", "14:30", "2026-01-10T10:59:59Z", NOW),
        ("12:00", "14:30", "2026-01-10T11:00Z", "2026-01-10T13:30"),
        ("12:00", "14:30", "2026-01-10T13:29:59Z", "2026-01-10T13:30"),
        ("12:00", "14:30", "2026-01-10T13:30Z", NOW),
        ("00:00", "08:00", "2026-01-10T22:59:59Z", NOW),
        ("00:00", "08:00", "2026-01-10T23:00Z", "2026-01-11T07:00"),
        ("21:00", "00:00", "2026-01-10T22:59:59Z", "2026-01-10T23:00"),
        ("21:00", "00:00", "2026-01-10T23:00Z", NOW),
        ("00:00", "00:00", "2026-01-10T23:00Z", NOW),
        ("08:00", "08:00", "2026-01-11T07:00Z", NOW),
    ] {
        let quiet = sky.quiet(&["Europe/Berlin"], at, from, until).await?;
        assert_eq!(quiet, expected, "{from} to {until} at {at}");
    }
    Ok(())
}

/// Eight o'clock is eight o'clock there, however long the night was.
#[tokio::test]
async fn a_night_in_which_clocks_change_ends_when_theirs_say_so() -> anyhow::Result<()> {
    let (berlin, york): (&[&str], &[&str]) = (&["Europe/Berlin"], &["America/New_York"]);
    let sky = Sky::new().await?;
    sky.check(&[
        (berlin, "2026-03-28T22:00", "2026-03-29T06:00"),
        (berlin, "2026-03-29T00:59:59", "2026-03-29T06:00"),
        (berlin, "2026-03-29T05:59:59", "2026-03-29T06:00"),
        (berlin, "2026-03-29T06:00", NOW),
        (berlin, "2026-03-29T19:00", "2026-03-30T06:00"),
        (berlin, "2026-10-24T21:00", "2026-10-25T07:00"),
        (berlin, "2026-10-25T00:30", "2026-10-25T07:00"),
        (berlin, "2026-10-25T01:30", "2026-10-25T07:00"),
        (berlin, "2026-10-25T06:59:59", "2026-10-25T07:00"),
        (berlin, "2026-10-25T07:00", NOW),
        (york, "2026-03-08T03:00", "2026-03-08T12:00"),
        (york, "2026-03-08T11:59:59", "2026-03-08T12:00"),
        (york, "2026-03-08T12:00", NOW),
        (york, "2026-11-01T02:00", "2026-11-01T13:00"),
        (york, "2026-11-01T06:30", "2026-11-01T13:00"),
        (york, "2026-11-01T12:59:59", "2026-11-01T13:00"),
        (york, "2026-11-01T13:00", NOW),
        // By half an hour.
        (
            &["Australia/Lord_Howe"],
            "2026-04-04T12:00",
            "2026-04-04T21:30",
        ),
        // By a whole day: there was no 30th of December.
        (&["Pacific/Apia"], "2011-12-30T08:00", "2011-12-30T18:00"),
    ])
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_night_may_end_in_an_hour_that_is_skipped_or_comes_twice() -> anyhow::Result<()> {
    let sky = Sky::new().await?;
    for (at, expected) in [
        // From two to three is skipped: half past two is as far behind two as if it were there.
        ("2026-03-28T22:00Z", "2026-03-29T01:30"),
        ("2026-03-29T00:59:59Z", "2026-03-29T01:30"),
        ("2026-03-29T01:30Z", NOW),
        ("2026-03-29T19:00Z", "2026-03-30T00:30"),
        // From two to three comes twice: by day after the first half past two, and again after the second.
        ("2026-10-24T22:00Z", "2026-10-25T01:30"),
        ("2026-10-25T00:45Z", NOW),
        ("2026-10-25T01:15Z", "2026-10-25T01:30"),
        ("2026-10-25T01:30Z", NOW),
    ] {
        let quiet = sky.quiet(&["Europe/Berlin"], at, "21:00", "02:30").await?;
        assert_eq!(quiet, expected, "{at}");
        if !expected.is_empty() {
            let then = sky
                .quiet(
                    &["Europe/Berlin"],
                    &format!("{expected}Z"),
                    "21:00",
                    "02:30",
                )
                .await?;
            assert_eq!(then, NOW, "it is by day then");
        }
    }
    Ok(())
}

#[tokio::test]
async fn on_both_sides_of_the_date_line_it_is_by_day_together_for_some_hours() -> anyhow::Result<()>
{
    let (east, west) = ("Pacific/Kiritimati", "Pacific/Pago_Pago");
    let both: &[&str] = &[east, west];
    let three: &[&str] = &[east, west, "Pacific/Auckland"];
    let sky = Sky::new().await?;
    sky.check(&[
        // 25 hours apart: the same time of day but one, on the next day.
        (&[east], "2026-01-10T06:59:59", NOW),
        (&[east], "2026-01-10T07:00", "2026-01-10T18:00"),
        (&[west], "2026-01-10T07:59:59", NOW),
        (&[west], "2026-01-10T08:00", "2026-01-10T19:00"),
        (both, "2026-01-10T06:59:59", NOW),
        (both, "2026-01-10T07:00", "2026-01-10T19:00"),
        (both, "2026-01-10T18:30", "2026-01-10T19:00"),
        (both, "2026-01-10T19:00", NOW),
        // Where the year begins first and last.
        (both, "2026-12-31T10:00", "2026-12-31T19:00"),
        // Auckland has summer in January.
        (three, "2026-01-10T06:59:59", NOW),
        (three, "2026-01-10T09:00", "2026-01-10T19:00"),
        (three, "2026-07-10T06:59:59", NOW),
        (three, "2026-07-10T07:00", "2026-07-10T20:00"),
        (three, "2026-07-10T19:30", "2026-07-10T20:00"),
        (three, "2026-07-10T20:00", NOW),
    ])
    .await?;
    Ok(())
}

#[tokio::test]
async fn half_hours_and_quarters_count() -> anyhow::Result<()> {
    let sky = Sky::new().await?;
    sky.check(&[
        (&["Asia/Kolkata"], "2026-01-10T15:29:59", NOW),
        (&["Asia/Kolkata"], "2026-01-10T15:30", "2026-01-11T02:30"),
        (&["Asia/Kathmandu"], "2026-01-10T15:14:59", NOW),
        (&["Asia/Kathmandu"], "2026-01-10T15:15", "2026-01-11T02:15"),
        (&["America/St_Johns"], "2026-01-10T00:29:59", NOW),
        (
            &["America/St_Johns"],
            "2026-01-10T00:30",
            "2026-01-10T11:30",
        ),
        (&["America/St_Johns"], "2026-07-10T23:29:59", NOW),
        (
            &["America/St_Johns"],
            "2026-07-10T23:30",
            "2026-07-11T10:30",
        ),
    ])
    .await?;
    Ok(())
}

/// A number with +1 may be anywhere from Newfoundland to Guam.
#[tokio::test]
async fn in_all_zones_of_a_country_code_together_it_is_by_day_for_a_short_time()
-> anyhow::Result<()> {
    let phone = dispatch::phone::read("+12025550123", None)?;
    let zones = &phone.zones[..];
    assert!(zones.contains(&"America/St_Johns") && zones.contains(&"Pacific/Guam"));
    let sky = Sky::new().await?;
    sky.check(&[
        // From eight in Guam to nine in Newfoundland, which is earlier in summer.
        (zones, "2026-01-10T12:00", "2026-01-10T22:00"),
        (zones, "2026-01-10T21:59:59", "2026-01-10T22:00"),
        (zones, "2026-01-10T22:00", NOW),
        (zones, "2026-01-11T00:29:59", NOW),
        (zones, "2026-01-11T00:30", "2026-01-11T22:00"),
        (zones, "2026-07-10T12:00", "2026-07-10T22:00"),
        (zones, "2026-07-10T23:29:59", NOW),
        (zones, "2026-07-10T23:30", "2026-07-11T22:00"),
    ])
    .await?;
    let unknown = "select z from unnest($1::text[]) z where not baton_api.is_time_zone(z)";
    assert_eq!(sky.db.list(unknown, &[&zones]).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_zone_that_nobody_knows_is_passed_over() -> anyhow::Result<()> {
    let sky = Sky::new().await?;
    sky.check(&[
        (&["Mars/Olympus"], "2026-01-10T22:00", NOW),
        (&[], "2026-01-10T22:00", NOW),
        (
            &["Mars/Olympus", "Europe/Berlin", ""],
            "2026-01-10T22:00",
            "2026-01-11T07:00",
        ),
    ])
    .await?;
    let known = "select z from unnest($1::text[]) z where baton_api.is_time_zone(z) order by z";
    // Offsets and abbreviations are no places: they know no summer.
    let names = [
        "Europe/Berlin",
        "UTC",
        "Mars/Olympus",
        "CET",
        "+01",
        "EST5EDT",
        "",
        "Berlin",
    ];
    let names: &[&str] = &names;
    assert_eq!(
        sky.db.list(known, &[&names]).await?,
        ["Europe/Berlin", "UTC"]
    );
    Ok(())
}

#[tokio::test]
async fn where_no_hour_is_by_day_for_all_it_is_quiet_without_end() -> anyhow::Result<()> {
    let sky = Sky::new().await?;
    let quiet = async |zones: &[&str]| {
        sky.quiet(zones, "2026-01-10T12:00Z", "12:00", "10:00")
            .await
    };
    // Two hours of day each.
    assert_eq!(quiet(&["Europe/Berlin", "Asia/Tokyo"]).await?, "infinity");
    assert_eq!(
        quiet(&["Europe/Berlin", "Europe/London"]).await?,
        "2026-01-11T10:00"
    );
    Ok(())
}
