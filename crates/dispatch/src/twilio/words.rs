//! The words by which people ask for no more messages, or for messages again, in the languages of the numbers that are written to.
//! "Any reasonable means" counts as a revocation by 47 CFR 64.1200(a)(10), so case, accents, width, punctuation, invisible
//! characters and courtesies don't matter. What says "stop" of something else ("don't stop", "I'll stop by at 5") is no revocation.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use icu_normalizer::DecomposingNormalizerBorrowed;

/// What opts out wherever a reply begins with it: it means nothing else, or carriers act on it.
const STOPS: &str = "
    stop, stopall, stopp, unsubscribe, unsub, optout, opt out, opt me out, revoke, remove me, take me off, no more texts, no more messages,
    do not text, dont text, do not message, dont message, do not contact, dont contact, leave me alone,
    arrêt, arrêter, arrêtez, désabonner, désabonnement, désabonnez moi, désinscrire, désinscription, plus de sms, plus de messages,
    abmelden, abmeldung, abbestellen, austragen, keine sms, keine nachrichten, nicht mehr schreiben,
    afmelden, uitschrijven, stoppen, geen berichten, geen sms,
    cancelar, detener, darme de baja, dar de baja, darse de baja, desuscribir, desuscribirme, no más mensajes, no enviar más,
    parar de enviar, remover, descadastrar, não enviar, não quero mais,
    cancellami, disiscrivi, disiscrivimi, disiscrizione, fermare, non scrivermi,
    wypisz, wypisz mnie, rezygnuję, rezygnacja, zatrzymaj, nie pisz, nie wysyłaj,
    durdur, iptal, abonelikten çık, mesaj gönderme, mesaj istemiyorum,
    avbryt, avsluta, avregistrera, avmeld, afmeld, frameld, peruuta, lopeta, hætta, stöðva,
    zastavit, zastaviť, odhlásit, odhlásiť, neposílat, neposielať, přestaňte, prestaňte,
    leiratkozás, leiratkozom, leiratkozni, leállítás, lemondás, ne küldjön,
    dezabonare, dezabonează, opriți, oprește, nu mai trimite,
    στοπ, διακοπή, σταμάτα, σταματήστε, διαγραφή, απεγγραφή,
    стоп, отписаться, отписка, отпишите, прекратить, прекратите, не пишите, відписатися, відписка, зупинити, не пишіть, спри, отпиши,
    odjava, odjavi, prekini, ustavi,
    توقف, إيقاف, أوقف, الغاء, إلغاء, لغو, قف,
    הסר, הסרה, הסירו, הסירו אותי, להסיר, עצור, הפסק, תפסיקו,
    रोकें, रोको, बंद, बन्द, रुको, स्टॉप, हटाओ, हटाएं, रद्द, বন্ধ, থামুন, நிறுத்து, நிறுத்தவும், ఆపు, روکو, بند,
    berhenti, hinto, itigil";
/// What opts out when it is all that is said, because other sentences begin with it, too.
const STOPS_ALONE: &str = "
    cancel, end, quit, remove, delete me, no more, stop it, enough,
    alto, baja, parar, pare, pára, para, sair, cancele, basta, ferma, annulla, fin, fini, résilier, ende, kündigen, schluss, einde,
    koniec, anuluj, dur, ret, red, slut, slutt, loppu, konec, zrušit, zrušiť, vége, anulare, renunț, τέλος,
    отмена, хватит, отказ, скасувати, досить, كفى, די, batal, hủy, dừng, từ chối, kraj, td";
/// The same in scripts without spaces between words: a short reply opts out that begins with one.
const STOPS_UNSPACED: &str = "
    退订, 退訂, 停止, 取消订阅, 取消訂閱, 不要再发, 不要再發, 别再发, 别发, 取消, 拒收, 退出, 终止, 終止, 配信停止, 配信解除, 解除, 中止, やめて, 止めて, ストップ, キャンセル,
    수신거부, 수신 거부, 거부, 중지, 그만, 정지, 스톱, 취소, 해지, 탈퇴, หยุด, ยกเลิก";
/// What opts in again, when it is all that is said.
const STARTS: &str = "
    start, yes, unstop, opt in, optin, subscribe, resubscribe, resume, iniciar, comenzar, començar, começar, démarrer, starten, anmelden,
    inizia, inizio, старт, έναρξη, 开始, 開始, 再開, 시작, ابدأ, התחל, शुरू";
/// What people add without another meaning.
const COURTESIES: &str = "
    please, pls, plz, thanks, thank, you, now, thx, ok, okay, hi, hello, just, no, i, said, kindly, all, immediately, msg, msgs, sms, texts,
    merci, svp, bonjour, bitte, danke, sofort, hallo, gracias, por, favor, grazie, obrigado, obrigada, proszę, dziękuję, lütfen,
    tack, takk, tak, kiitos, prosím, díky, kérem, köszönöm, alstublieft, aub, dank, mulțumesc, vă, rog, пожалуйста, спасибо, будь, ласка,
    παρακαλώ, ευχαριστώ, من, فضلك, שלום, בבקשה, תודה, कृपया, करो, करें, कर, दो";
/// What asks for it in the middle of a sentence.
const ASKED_FOR: &str = "
    stop texting, stop sending, stop messaging, stop contacting, stop writing, stop these, stop the messages, stop the texts, unsubscribe me,
    remove me from, take me off, opt me out, want to opt out, want to unsubscribe, want to stop, do not text me, dont text me";
/// After these, what asks for it says the opposite.
const NEGATIONS: &str = "dont, do not, never, not";
/// What makes another thing of a stop at the beginning.
const STOPS_ELSEWHERE: &str = "stop by, stop in, stop over, stop at, stop off, stop for";
/// So much may follow where words have no spaces between them.
const MOST_UNSPACED: usize = 10;

/// A list of words, each as a reply is compared with it.
fn list(words: &str) -> BTreeSet<String> {
    words.split(',').map(|it| plain(it).join(" ")).collect()
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| Lists {
    stops: list(STOPS),
    stops_alone: list(STOPS_ALONE),
    stops_unspaced: list(STOPS_UNSPACED),
    starts: list(STARTS),
    courtesies: list(COURTESIES),
    asked_for: list(ASKED_FOR),
    negations: list(NEGATIONS),
    stops_elsewhere: list(STOPS_ELSEWHERE),
});

struct Lists {
    stops: BTreeSet<String>,
    stops_alone: BTreeSet<String>,
    stops_unspaced: BTreeSet<String>,
    starts: BTreeSet<String>,
    courtesies: BTreeSet<String>,
    asked_for: BTreeSet<String>,
    negations: BTreeSet<String>,
    stops_elsewhere: BTreeSet<String>,
}

/// Whether a reply asks for no more messages (true) or for messages again (false); none for anything else.
pub(super) fn opts_out(body: &str) -> Option<bool> {
    let lists = &*LISTS;
    let words = plain(body);
    let all = words.join(" ");
    let kept: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|it| !lists.courtesies.contains(*it))
        .collect();
    let said = kept.join(" ");
    // Letter by letter, as in "S.T.O.P."
    let spelt: String = match words.iter().all(|it| it.chars().count() == 1) {
        true => words.concat(),
        false => String::new(),
    };
    let begins = |text: &str, with: &BTreeSet<String>| {
        with.iter().any(|it| {
            text.strip_prefix(it.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    };
    let unspaced = lists.stops_unspaced.iter().any(|it| {
        said.starts_with(it) && said.chars().count() <= it.chars().count() + MOST_UNSPACED
    });
    let is_out = [&said, &all, &spelt]
        .into_iter()
        .any(|it| lists.stops.contains(it) || lists.stops_alone.contains(it))
        || (begins(&all, &lists.stops) || begins(&said, &lists.stops))
            && !begins(&all, &lists.stops_elsewhere)
        || unspaced
        || lists.asked_for.iter().any(|it| asks_for(&all, it, lists));
    match is_out {
        true => Some(true),
        false => lists.starts.contains(&all).then_some(false),
    }
}

/// Whether a phrase occurs, and no negation right before it.
fn asks_for(text: &str, phrase: &str, lists: &Lists) -> bool {
    let text = format!(" {text} ");
    let Some((before, _)) = text.split_once(&format!(" {phrase} ")) else {
        return false;
    };
    !lists
        .negations
        .iter()
        .any(|it| format!(" {before}").ends_with(&format!(" {it}")))
}

/// The words of a text in upper case, without accents, width, punctuation and invisible characters.
fn plain(text: &str) -> Vec<String> {
    let text: String = DecomposingNormalizerBorrowed::new_nfkd()
        .normalize(text)
        .chars()
        .filter(|it| !is_mark(*it) && !"'\u{2019}\u{2bc}\u{60}\u{b4}".contains(*it))
        .map(|it| if it.is_alphanumeric() { it } else { ' ' })
        .collect();
    text.to_uppercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// Accents, vowel points of Arabic and Hebrew, and characters without a look.
fn is_mark(it: char) -> bool {
    matches!(it,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_opt_out_in_their_own_words() {
        for text in [
            "\"STOP\"",
            "“Stop”",
            "«STOP»",
            "'stop'",
            "„Stopp“",
            "`stop`",
            "STOP ALL",
            "stop-all",
            "OPT-OUT",
            "OPT OUT",
            "Opt  out!",
            "ARRET",
            "ARRÊT",
            "REMOVE",
            "unsub",
            "Stop. Thank you",
            "ＳＴＯＰ",
            "ｓｔｏｐ！",
            "S\u{200b}TOP",
            "\u{feff}stop\u{2060}",
            "STOP🙏",
            "🛑 STOP 🛑",
            "STOP!!!!!",
            "stop...",
            "S.T.O.P.",
            "S T O P",
            "please stop",
            "ok stop",
            "No, stop",
            "stop texting me",
            "Please stop sending me these",
            "Could you remove me from this list",
            "I want to unsubscribe",
            "don't text me",
            "STOP MSG",
            "bitte abmelden",
            "Keine SMS mehr bitte",
            "STOPP!",
            "désabonner svp",
            "Por favor, parar",
            "dar de baja",
            "BAJA",
            "PARE",
            "sair",
            "não quero mais",
            "cancellami grazie",
            "basta",
            "uitschrijven aub",
            "proszę wypisz mnie",
            "rezygnuję",
            "İPTAL",
            "iptal lütfen",
            "dur",
            "取消",
            "हटाओ",
            "취소",
            "avsluta tack",
            "frameld",
            "lopeta",
            "odhlásit",
            "zastaviť",
            "leiratkozás",
            "dezabonare",
            "ΣΤΟΠ",
            "διακοπή",
            "стоп",
            "Отписаться, пожалуйста",
            "відписатися",
            "停止",
            "停止してください",
            "配信停止",
            "ストップ",
            "수신거부",
            "그만",
            "退订",
            "退訂",
            "取消订阅",
            "إيقاف",
            "ايقاف",
            "أوقف",
            "إلغاء الاشتراك",
            "توقّف",
            "הסר",
            "הסר בבקשה",
            "स्टॉप",
            "बंद करो",
            "कृपया बंद करें",
            "หยุด",
            "hủy",
        ] {
            assert_eq!(opts_out(text), Some(true), "{text}");
        }
    }

    #[test]
    fn what_only_mentions_a_stop_does_not_opt_out() {
        for text in [
            "",
            "!",
            "🙏",
            "don't stop",
            "Please don't stop texting me",
            "I'll stop by at 5",
            "Stop by my office at 5",
            "When does it stop?",
            "The bus stop is closed",
            "End of May suits me",
            "Can we cancel on Friday?",
            "yes please",
            "no",
            "ok",
            "I never stop",
            "Fin de mes",
            "Endeavour",
            "stopwatch",
            "Basta così la pizza?",
            "停车场在哪里",
            "Para mañana",
            "He removed it",
            "thanks",
        ] {
            assert_eq!(opts_out(text), None, "{text}");
        }
    }

    #[test]
    fn people_opt_in_again_by_a_word_alone() {
        for text in [
            "START",
            "\"Start\"",
            "ＳＴＡＲＴ",
            "UNSTOP!",
            "yes",
            "Opt-in",
            "СТАРТ",
            "再開",
            "démarrer",
        ] {
            assert_eq!(opts_out(text), Some(false), "{text}");
        }
        for text in ["start at 5", "I say yes", "yes but later"] {
            assert_eq!(opts_out(text), None, "{text}");
        }
    }
}
