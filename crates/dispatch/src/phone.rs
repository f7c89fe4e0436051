//! Phone numbers, by the numbering plans of the world.

mod cell;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumberFormat, PhoneNumberType, Region};

/// Country code, coordinates, zone: public domain, from the time zone database.
const ZONES: &str = include_str!("../data/zone.tab");
/// Regions with phones and without a country code in [`ZONES`], and the country whose zones they share.
const WITHOUT_ZONES: [(&str, &str); 3] = [("AC", "SH"), ("TA", "SH"), ("XK", "RS")];
/// A plus sign and 15 digits (ITU-T E.164, section 6.1).
const LONGEST: usize = 16;

/// A phone number that is possible and valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// The number by E.164, such as `+4915112345678`.
    pub e164: String,
    /// Every time zone (IANA) of every country that shares its country code; none for codes of no country.
    pub zones: Vec<&'static str>,
    /// Its country, ISO 3166-1 alpha-2; none for numbers of no country.
    pub region: Option<String>,
}

/// Why a text is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPhone {
    /// It holds more than a number, or none.
    #[error("this is no phone number; a number has digits and no letters")]
    NotANumber,
    /// It is the number of a switchboard, which passes no messages on.
    #[error(
        "the number has an extension, and messages reach none; give the number of a mobile phone"
    )]
    Extension,
    /// It holds more numbers than one.
    #[error("the field holds several numbers; give one")]
    Several,
    /// It says nothing of its country.
    #[error(
        "the number has no country code; begin it with + and the code, or set a default region"
    )]
    NoCountry,
    /// No numbering plan has it.
    #[error("no phone can have this number")]
    Invalid,
    /// Its owner is paid for each call.
    #[error("premium-rate numbers get no messages")]
    Premium,
}

/// Reads a phone number as people write it. One without a country code is of the default region (ISO 3166-1 alpha-2).
///
/// # Errors
/// When it is no number that a phone can have.
pub fn read(text: &str, default_region: Option<&str>) -> Result<Phone, NotAPhone> {
    let text = &cell::number_in(text)?;
    // Letters would be read as digits of a keypad, and a number be found inside other text.
    if text.chars().any(char::is_alphabetic) {
        return Err(NotAPhone::NotANumber);
    }
    let region = default_region
        .and_then(|it| it.parse::<Region>().ok())
        .filter(|it| PHONE_NUMBER_UTIL.get_country_code_for_region(*it).is_some());
    let number = PHONE_NUMBER_UTIL
        .parse(text, region)
        .map_err(|error| match error {
            ParseError::InvalidCountryCode if region.is_none() && !text.contains(['+', '＋']) => {
                NotAPhone::NoCountry
            }
            ParseError::NotANumber(_) => NotAPhone::NotANumber,
            ParseError::InvalidCountryCode
            | ParseError::TooShortAfterIdd
            | ParseError::TooShortNsn
            | ParseError::TooLongNsn => NotAPhone::Invalid,
        })?;
    if number.extension.is_some() {
        return Err(NotAPhone::Extension);
    }
    if !PHONE_NUMBER_UTIL.is_possible_number(&number) || !PHONE_NUMBER_UTIL.is_valid_number(&number)
    {
        return Err(NotAPhone::Invalid);
    }
    if PHONE_NUMBER_UTIL.get_number_type(&number) == PhoneNumberType::PremiumRate {
        return Err(NotAPhone::Premium);
    }
    let e164 = PHONE_NUMBER_UTIL
        .format(&number, PhoneNumberFormat::E164)
        .into_owned();
    // Some plans have numbers that are longer than others can dial.
    if e164.len() > LONGEST {
        return Err(NotAPhone::Invalid);
    }
    Ok(Phone {
        e164,
        zones: zones(number.country_code),
        region: PHONE_NUMBER_UTIL
            .get_region_for_number(&number)
            .map(|it| it.to_string()),
    })
}

/// The country codes whose numbers may be in several time zones, with these zones.
#[must_use]
pub fn shared_codes() -> Vec<(i32, Vec<&'static str>)> {
    let regions = PHONE_NUMBER_UTIL.get_supported_regions();
    let codes: BTreeSet<i32> = regions
        .filter_map(|it| PHONE_NUMBER_UTIL.get_country_code_for_region(it))
        .collect();
    codes
        .into_iter()
        .map(|code| (code, zones(code)))
        .filter(|(_, zones)| zones.len() > 1)
        .collect()
}

fn zones(country_code: i32) -> Vec<&'static str> {
    let regions = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(country_code);
    let countries: BTreeSet<String> = regions
        .into_iter()
        .flatten()
        .map(|it| {
            let region = it.to_string();
            let shared = WITHOUT_ZONES.into_iter().find(|(from, _)| *from == region);
            shared.map_or(region, |(_, country)| country.to_owned())
        })
        .collect();
    ROWS.iter()
        .filter(|(country, _)| countries.contains(*country))
        .map(|(_, zone)| *zone)
        .collect()
}

/// Countries and their zones.
static ROWS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    ZONES
        .lines()
        .filter(|it| !it.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some((columns.next()?, columns.nth(1)?))
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_write_it() {
        let check = |text: &str, region: Option<&str>, expected: Result<&str, NotAPhone>| {
            let read = read(text, region);
            assert_eq!(
                read.as_ref().map(|it| it.e164.as_str()),
                expected.as_ref().copied(),
                "{text}"
            );
        };
        use NotAPhone::{Extension, Invalid, NoCountry, NotANumber, Premium, Several};
        check("+1 900 234 5678", None, Err(Premium));
        check("0900 123456", Some("CH"), Err(Premium));
        check("+1 (415) 867-5309", None, Ok("+14158675309"));
        check(" +49 151 12345678 ", None, Ok("+4915112345678"));
        check("+49 (0) 151 12345678", None, Ok("+4915112345678"));
        check("0151 12345678", Some("DE"), Ok("+4915112345678"));
        check("0049 151 12345678", Some("DE"), Ok("+4915112345678"));
        check("011 44 20 7946 0958", Some("US"), Ok("+442079460958"));
        check("415-867-5309", Some("US"), Ok("+14158675309"));
        check("+44 20 7946 0958", Some("US"), Ok("+442079460958"));
        check("+39 06 698 12345", None, Ok("+390669812345"));
        check("+44 20 7946 0958", Some("XX"), Ok("+442079460958"));
        check("+44 7911 123456", None, Ok("+447911123456"));
        check("+247 40123", None, Ok("+24740123"));
        check("0151 12345678", None, Err(NoCountry));
        check("0151 12345678", Some("XX"), Err(NoCountry));
        check("0049 151 12345678", None, Ok("+4915112345678"));
        for text in [
            "tel:+49-151-1234-5678",
            "TEL:+49(151)12345678",
            "tel:151-12345678;phone-context=+49",
            "tel:+49-151-12345678;isub=1",
            "p:+4915112345678",
            "sms:+4915112345678",
            "whatsapp:+4915112345678",
            "callto:+4915112345678",
            "Mobile: +49 151 12345678",
            "Mobil: 0049 151 12345678",
            "Tel.: +49 151/12345678",
            "Téléphone portable : +49 151 12345678",
            "'+4915112345678",
            "+49'151'12345678",
            "+49’151’12345678",
            "＋４９　１５１　１２３４５６７８",
            "+49 (0)151 12345678",
            "+49 (0) 151 - 12345678",
            "\u{202a}+49 151 12345678\u{202c}",
            "+49\u{a0}151\u{2011}12345678\n",
        ] {
            check(text, None, Ok("+4915112345678"));
        }
        check("+52 1 55 1234 5678", None, Ok("+525512345678"));
        check("tel:+521-55-1234-5678", None, Ok("+525512345678"));
        check("+54 9 11 2345-6789", None, Ok("+5491123456789"));
        check(
            "tel:0151-12345678;phone-context=example.com",
            Some("DE"),
            Ok("+4915112345678"),
        );
        check("tel:+49-30-1234567;ext=12", None, Err(Extension));
        check("+49 30 1234567 Durchwahl 12", None, Err(Extension));
        check("+49 30 1234567 x12", None, Err(Extension));
        for text in [
            "+49 151 12345678, +49 151 12345679",
            "+49 151 12345678 / +49 151 12345679",
            "+4915112345678;+4915112345679",
            "+4915112345678 ::: +4915112345679",
            "0151 12345678 or 0151 12345679",
            "0151 12345678\n0151 12345679",
            "Mobil: +4915112345678, Büro: +493012345678",
        ] {
            check(text, Some("DE"), Err(Several));
        }
        check("+1 415 555 01", None, Err(Invalid));
        check("+1 999 867 5309", None, Err(Invalid));
        check("+999 1234 5678", None, Err(Invalid));
        check("+49 151 12345678901234", None, Err(Invalid));
        check("+49 5923 8790301322", None, Err(Invalid));
        check("110", Some("DE"), Err(Invalid));
        check("", Some("US"), Err(NotANumber));
        check("+", Some("US"), Err(NotANumber));
        check("()-.", Some("US"), Err(NotANumber));
        check("+1 800 FLOWERS", None, Err(NotANumber));
        check("call +1 415 867 5309", None, Err(NotANumber));
        check("+1 415 867 5309 ext. 7", None, Err(Extension));
        check("+1 415 867 5309 #7", None, Err(Extension));
        check("ann@firma.de", Some("DE"), Err(NotANumber));
    }

    #[test]
    fn hostile_text_is_refused() {
        for text in [
            "\0",
            "+\u{202e}1",
            "𝟙𝟚𝟛",
            "+٤٩",
            "))))))))))((((((((((",
            ";;;;==",
            "🙂",
        ] {
            assert!(read(text, Some("US")).is_err(), "{text:?}");
        }
        assert!(read(&"+1".repeat(100_000), None).is_err());
        assert!(read(&"9".repeat(100_000), Some("US")).is_err());
        assert!(read(&"(".repeat(100_000), Some("US")).is_err());
    }

    #[test]
    fn the_zones_are_those_of_all_countries_with_the_code() {
        let check = |text: &str, with: &[&str], without: &[&str], at_least: usize| {
            let zones = read(text, None).expect("the numbers here are valid").zones;
            for zone in with {
                assert!(zones.contains(zone), "{text} {zone}");
            }
            for zone in without {
                assert!(!zones.contains(zone), "{text} {zone}");
            }
            assert!(zones.len() >= at_least, "{text} {zones:?}");
        };
        check("+4915112345678", &["Europe/Berlin"], &["Europe/Vienna"], 1);
        check(
            "+14158675309",
            &[
                "America/Los_Angeles",
                "America/Toronto",
                "America/Jamaica",
                "Pacific/Honolulu",
                "Pacific/Guam",
            ],
            &["America/Mexico_City"],
            70,
        );
        check(
            "+79161234567",
            &["Europe/Moscow", "Asia/Kamchatka", "Asia/Almaty"],
            &[],
            20,
        );
        check("+24740123", &["Atlantic/St_Helena"], &[], 1);
        check("+38343201234", &["Europe/Belgrade"], &[], 1);
        let shared = read("+80012345678", None).expect("it is international and toll-free");
        assert_eq!(shared.zones, Vec::<&str>::new());
    }

    #[test]
    fn codes_of_several_zones_are_listed_with_them() {
        let codes = shared_codes();
        let zones_of = |code| {
            codes
                .iter()
                .find(|(it, _)| *it == code)
                .map(|(_, zones)| zones.len())
        };
        assert!(zones_of(1) > Some(70) && zones_of(7) > Some(20) && zones_of(61) > Some(5));
        assert_eq!((zones_of(41), zones_of(81)), (None, None));
    }

    #[test]
    fn the_table_of_zones_is_whole() {
        assert!(ROWS.len() > 400);
        for (country, zone) in ROWS.iter() {
            assert!(country.len() == 2 && zone.contains('/'), "{country} {zone}");
        }
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            let code = PHONE_NUMBER_UTIL
                .get_country_code_for_region(region)
                .expect("a region that is supported has a code");
            assert!(!zones(code).is_empty(), "{region}");
        }
    }
}
