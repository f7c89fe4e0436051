use std::collections::HashSet;
use std::sync::LazyLock;

use icu_normalizer::DecomposingNormalizerBorrowed;

/// What the name of a column says of its fields, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// They are addresses: the usual name.
    Usual,
    /// They are addresses, in one of many languages.
    Known,
    /// They are probably addresses: the name says e-mail, and nothing else about it.
    Like,
    /// They are addresses of other people than the contacts, such as the owner of a record.
    OfOthers,
    /// They are something else.
    Other,
}

/// More words than this make a sentence.
const MOST_WORDS: usize = 7;

const USUAL: [&str; 4] = ["email", "emailaddress", "mail", "mailaddress"];

/// Names of a column with addresses, as people and programs write them; case, accents and what is neither letter nor
/// digit do not count.
const KNOWN: &str = "email addr|emails|primary email|contact email|user email|customer email|work email|email id|email 1
e-mail 1 value|e-mail 1 address|e-mail 2 address|e-mail 3 address|email value|e-mail adresse|mailadresse|e-mail-adressen
correo|correo electr\u{f3}nico|correo e|direcci\u{f3}n de correo|direcci\u{f3}n de correo electr\u{f3}nico
courriel|adresse courriel|adresse e-mail|adresse mail|adresse \u{e9}lectronique|adresse de messagerie|m\u{e9}l
posta elettronica|indirizzo e-mail|indirizzo email|indirizzo di posta elettronica|indirizzo posta elettronica
correio eletr\u{f4}nico|correio electr\u{f3}nico|endere\u{e7}o de e-mail|endere\u{e7}o de email
e-mailadres|mailadres|e-mail adres|e-postadress|e-post|e-postadresse|mejl|mejladress|mailadresse|netfang|t\u{f6}lvup\u{f3}stur
s\u{e4}hk\u{f6}posti|s\u{e4}hk\u{f6}postiosoite|meiliaadress|meil|e-posti aadress|e-pasts|e-pasta adrese|el. pa\u{161}tas
adres e-mail|poczta|poczta elektroniczna|adres poczty elektronicznej|e-mailov\u{e1} adresa|elektronick\u{e1} po\u{161}ta
e-po\u{161}ta|e-po\u{161}tni naslov|e-mail c\u{ed}m|email c\u{ed}m|adres\u{103} de e-mail|adres\u{103} email|po\u{219}t\u{103} electronic\u{103}
e-posta|e-posta adresi|eposta adresi|surel|alamat email|alamat surel|th\u{1b0} \u{111}i\u{1ec7}n t\u{1eed}|\u{111}\u{1ecb}a ch\u{1ec9} email
\u{ce}mejl|\u{438}\u{43c}\u{435}\u{439}\u{43b}|\u{435}\u{43c}\u{435}\u{439}\u{43b}|\u{44d}\u{43b}. \u{43f}\u{43e}\u{447}\u{442}\u{430}|\u{43f}\u{43e}\u{447}\u{442}\u{430}|\u{44d}\u{43b}\u{435}\u{43a}\u{442}\u{440}\u{43e}\u{43d}\u{43d}\u{430}\u{44f} \u{43f}\u{43e}\u{447}\u{442}\u{430}|\u{430}\u{434}\u{440}\u{435}\u{441} \u{44d}\u{43b}\u{435}\u{43a}\u{442}\u{440}\u{43e}\u{43d}\u{43d}\u{43e}\u{439} \u{43f}\u{43e}\u{447}\u{442}\u{44b}
\u{43f}\u{43e}\u{448}\u{442}\u{430}|\u{435}\u{43b}\u{435}\u{43a}\u{442}\u{440}\u{43e}\u{43d}\u{43d}\u{430} \u{43f}\u{43e}\u{448}\u{442}\u{430}|\u{438}\u{43c}\u{435}\u{439}\u{43b} \u{430}\u{434}\u{440}\u{435}\u{441}
\u{3b7}\u{3bb}\u{3b5}\u{3ba}\u{3c4}\u{3c1}\u{3bf}\u{3bd}\u{3b9}\u{3ba}\u{3cc} \u{3c4}\u{3b1}\u{3c7}\u{3c5}\u{3b4}\u{3c1}\u{3bf}\u{3bc}\u{3b5}\u{3af}\u{3bf}|\u{3b7}\u{3bb}. \u{3c4}\u{3b1}\u{3c7}\u{3c5}\u{3b4}\u{3c1}\u{3bf}\u{3bc}\u{3b5}\u{3af}\u{3bf}
\u{30e1}\u{30fc}\u{30eb}|\u{30e1}\u{30fc}\u{30eb}\u{30a2}\u{30c9}\u{30ec}\u{30b9}|e\u{30e1}\u{30fc}\u{30eb}|\u{96fb}\u{5b50}\u{30e1}\u{30fc}\u{30eb}|\u{96fb}\u{5b50}\u{30e1}\u{30fc}\u{30eb}\u{30a2}\u{30c9}\u{30ec}\u{30b9}
\u{7535}\u{5b50}\u{90ae}\u{4ef6}|\u{7535}\u{5b50}\u{90ae}\u{7bb1}|\u{7535}\u{5b50}\u{90ae}\u{4ef6}\u{5730}\u{5740}|\u{90ae}\u{7bb1}|\u{90ae}\u{4ef6}|\u{90ae}\u{7bb1}\u{5730}\u{5740}|\u{7535}\u{90ae}|\u{96fb}\u{5b50}\u{90f5}\u{4ef6}|\u{96fb}\u{5b50}\u{90f5}\u{4ef6}\u{5730}\u{5740}|\u{96fb}\u{5b50}\u{4fe1}\u{7bb1}|\u{4fe1}\u{7bb1}|\u{96fb}\u{90f5}
\u{c774}\u{ba54}\u{c77c}|\u{c774}\u{ba54}\u{c77c} \u{c8fc}\u{c18c}|\u{c804}\u{c790}\u{c6b0}\u{d3b8}|\u{ba54}\u{c77c}|\u{ba54}\u{c77c}\u{c8fc}\u{c18c}
\u{5d0}\u{5d9}\u{5de}\u{5d9}\u{5d9}\u{5dc}|\u{5de}\u{5d9}\u{5d9}\u{5dc}|\u{5d3}\u{5d5}\u{5d0}\u{5dc}|\u{5d3}\u{5d5}\u{5d0}\u{5e8} \u{5d0}\u{5dc}\u{5e7}\u{5d8}\u{5e8}\u{5d5}\u{5e0}\u{5d9}
\u{627}\u{644}\u{628}\u{631}\u{64a}\u{62f} \u{627}\u{644}\u{625}\u{644}\u{643}\u{62a}\u{631}\u{648}\u{646}\u{64a}|\u{628}\u{631}\u{64a}\u{62f} \u{625}\u{644}\u{643}\u{62a}\u{631}\u{648}\u{646}\u{64a}|\u{627}\u{64a}\u{645}\u{64a}\u{644}
\u{908}\u{92e}\u{947}\u{932}|\u{e2d}\u{e35}\u{e40}\u{e21}\u{e25}";

/// Parts of a name that say e-mail.
const STEMS: [&str; 10] = [
    "email",
    "mailadress",
    "mailid",
    "eposta",
    "epost",
    "courriel",
    "correoelectronico",
    "postaelettronica",
    "sahkoposti",
    "elektronischepost",
];

/// Words beside them that say that the fields are about addresses, or about mails.
const ABOUT: &str = "type typ art label labels kind opt optin in out optout display name status state verified verification valid validated
validation confirmed consent permission permissions subscribed subscription subscriber unsubscribed marketing accepts allowed
preference preferences format template count counts number sent send opened open opens click clicked clicks bounce bounced bounces
date time at hash md5 sha sha1 sha256 domain reason source frequency suggestion normalized detail score result
notifications notification newsletter list lists subject body text message erlaubt einwilligung bestatigt gesendet anzahl
tipo etichetta libelle etiqueta enabled disabled flag username password last unread folder thread threads";

/// Words that say whose addresses they are: not those of the contacts.
const OF_OTHERS: &str = "owner manager assistant agent rep salesrep representative referrer referral referred inviter invited creator created
modified updated supervisor boss sender from reply replyto emergency besitzer inhaber eigentumer vertreter assistent
propietario responsable proprietaire gestionnaire advisor recruiter";

/// What a column's name says.
pub(super) fn kind(name: &[u8]) -> Kind {
    static KNOWN_NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
        KNOWN
            .split(['|', '\n'])
            .map(|it| letters(it).concat())
            .collect()
    });
    let words = letters(&String::from_utf8_lossy(name));
    if words.len() > MOST_WORDS {
        return Kind::Other;
    }
    let whole = words.concat();
    if USUAL.contains(&whole.as_str()) {
        return Kind::Usual;
    }
    if KNOWN_NAMES.contains(&whole) {
        return Kind::Known;
    }
    let says_email = STEMS.iter().any(|it| whole.contains(it))
        || whole.ends_with("mail")
        || words.iter().any(|it| it == "mail" || it == "mails");
    let has = |list: &str| {
        let mut list = list.split_whitespace();
        list.any(|it| words.iter().any(|word| word == it))
    };
    if !says_email || has(ABOUT) {
        Kind::Other
    } else if has(OF_OTHERS) {
        Kind::OfOthers
    } else {
        Kind::Like
    }
}

/// The words of a name, of letters and digits alone: in lower case, without accents; `camelCase` is two words.
fn letters(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in DecomposingNormalizerBorrowed::new_nfkd()
        .normalize(name)
        .chars()
    {
        if !c.is_alphanumeric() {
            // A mark belongs to the letter before it.
            let is_mark = !c.is_ascii() && !c.is_whitespace() && !c.is_control();
            if !is_mark {
                words.push(String::new());
                after_lower = false;
            }
            continue;
        }
        if c.is_uppercase() && after_lower {
            words.push(String::new());
        }
        after_lower = c.is_lowercase();
        words
            .last_mut()
            .into_iter()
            .for_each(|it| it.extend(c.to_lowercase()));
    }
    words.retain(|it| !it.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_punctuation_do_not_count() {
        let check =
            |name: &str, expected: Kind| assert_eq!(kind(name.as_bytes()), expected, "{name}");
        check("E-MAIL", Kind::Usual);
        check("e_mail address", Kind::Usual);
        check("eMail", Kind::Usual);
        check("Correo Electronico", Kind::Known);
        check("CORREO ELECTR\u{d3}NICO", Kind::Known);
        check("correo electro\u{301}nico", Kind::Known);
        check("workEmail2", Kind::Like);
        check("E-mail 2 - Value", Kind::Like);
        check("Hotmail", Kind::Like);
        check("emailStatus", Kind::Other);
        check("ownerEmail", Kind::OfOthers);
        check("phone", Kind::Other);
        check("Client Email", Kind::Like);
        check("Mail (privat)", Kind::Like);
        check("Mailadresse privat", Kind::Like);
        check("mail_id", Kind::Like);
        check(
            "If you miss some, send an email to ask for them",
            Kind::Other,
        );
        check("", Kind::Other);
    }
}
