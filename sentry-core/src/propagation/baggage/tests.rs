//! Baggage as others write it, by mistake or on purpose.

use proptest::prelude::*;

use super::*;

const TRACE: &str = "5e1f0c0c4d9a4b7c8d2e3f4051627384";

fn read(headers: &[&str]) -> DynamicSamplingContext {
    let mut reader = Reader::default();
    headers.iter().for_each(|header| reader.read(header));
    reader.finish()
}

fn release(release: &str) -> DynamicSamplingContext {
    DynamicSamplingContext::new().with_release(release.to_owned())
}

fn context(pairs: &[(&str, &str)]) -> DynamicSamplingContext {
    let mut context = DynamicSamplingContext::new();
    pairs.iter().for_each(|(key, value)| context.set((*key).to_owned(), (*value).to_owned()));
    context
}

#[test]
fn the_example_of_the_specification() {
    let header = format!(
        "vendor=x,sentry-trace_id={TRACE},sentry-public_key=d2c1,sentry-sample_rate=0.25,\
         sentry-sample_rand=0.113355,sentry-sampled=true,sentry-environment=production,sentry-org_id=7"
    );
    let read = read(&[&header]);
    assert_eq!(read.trace_id(), TRACE.parse().ok());
    assert_eq!((read.sample_rate(), read.sampled(), read.org_id()), (Some(0.25), Some(true), Some(7.into())));
    assert_eq!(read.sample_rand(), "0.113355".parse().ok());
    assert_eq!(format!("vendor=x,{}", print(&read)), header);
    assert_eq!(append(&header, &read), header);
}

#[test]
fn what_is_read() {
    for (header, expected) in [
        ("", &[][..]),
        (",", &[]),
        (" , ;=, =;,=", &[]),
        ("a=b,c", &[]),
        ("sentry-", &[]),
        ("sentry-=x", &[]),
        ("sentry-release", &[]),
        ("sentry-release;=x", &[]),
        ("Sentry-release=x,SENTRY-release=x", &[]),
        ("xsentry-release=x", &[]),
        ("sentry-re lease=x,sentry-rél=x,sentry-\"=x,sentry-\0=x", &[]),
        ("sentry-release=", &[("release", "")]),
        ("sentry-release=a=b", &[("release", "a=b")]),
        (" sentry-release\t=  a b\t", &[("release", "a b")]),
        ("sentry-release=a ; ttl=1;sentry-environment=x", &[("release", "a")]),
        ("sentry-release=a%2C%3B%20%C3%A9%00", &[("release", "a,; é\0")]),
        ("sentry-release=%zz%2", &[("release", "%zz%2")]),
        ("sentry-release=%ff", &[("release", "\u{fffd}")]),
        ("sentry-release=é\0\r\n", &[("release", "é\0")]),
        // Only text is encoded, the key is as it is.
        ("sentry-%72elease=a", &[("%72elease", "a")]),
        ("sentry-replay_id=r,sentry-sentry-a=b", &[("replay_id", "r"), ("sentry-a", "b")]),
        ("sentry-release=a,sentry-release=b", &[("release", "b")]),
        ("sentry-sampled=true,sentry-sampled=perhaps", &[]),
        ("sentry-trace_id=x,sentry-sample_rate=NaN,sentry-sample_rand=1.0,sentry-org_id=-1", &[]),
    ] {
        assert_eq!(read(&[header]), context(expected), "{header:?}");
    }
}

#[test]
fn several_headers_are_one() {
    let expected = context(&[("release", "c"), ("environment", "b")]);
    assert_eq!(read(&["sentry-release=a", "sentry-environment=b,x=y", "", "sentry-release=c"]), expected);
    // A member does not go on in the next header.
    assert_eq!(read(&["sentry-release=a", "b"]), release("a"));
}

#[test]
fn reading_stops_at_64_members() {
    let foreign = |count: usize| vec!["a=b"; count].join(",");
    assert_eq!(read(&[&format!("{}, ,,sentry-release=a", foreign(63))]), release("a"));
    assert_eq!(read(&[&format!("{},sentry-release=a", foreign(64))]), DynamicSamplingContext::new());
    assert_eq!(read(&[&foreign(60), &foreign(4), "sentry-release=a"]), DynamicSamplingContext::new());
    let ours: Vec<String> = (0..10_000).map(|index| format!("sentry-k{index:05}={index}")).collect();
    assert_eq!(read(&[&ours.join(",")]).members().count(), MAX_MEMBERS);
}

#[test]
fn reading_stops_at_8192_bytes() {
    let last = "sentry-release=a";
    let foreign = |bytes: usize| format!("a={}", "b".repeat(bytes - 2));
    for (bytes, expected) in [(MAX_BYTES - 17, release("a")), (MAX_BYTES - 16, DynamicSamplingContext::new())] {
        assert_eq!(read(&[&foreign(bytes), last]), expected);
        assert_eq!(read(&[&format!("{},{last}", foreign(bytes))]), expected);
    }
    // A value is not cut, and what follows it is not reached.
    assert_eq!(read(&[&format!("sentry-release={},sentry-environment=x", "é".repeat(1 << 19))]), context(&[]));
    assert_eq!(read(&[&",".repeat(1 << 20), last]), context(&[]));
    assert_eq!(read(&["%".repeat(1 << 20).as_str()]), context(&[]));
}

#[test]
fn what_is_written() {
    assert_eq!(print(&context(&[])), "");
    let own = context(&[("release", "a@1.0+b"), ("transaction", "GET /{é}"), ("sample_rate", "1"), ("zz", " ")]);
    assert_eq!(
        print(&own),
        "sentry-sample_rate=1.0,sentry-release=a%401.0%2Bb,sentry-transaction=GET%20%2F%7B%C3%A9%7D,sentry-zz=%20"
    );
    // Keys that no header can hold come from envelopes only.
    assert_eq!(print(&context(&[("", "x"), ("a b", "x"), ("a=b,c", "x"), ("é\r\n", "x"), ("ok", "x")])), "sentry-ok=x");
}

#[test]
fn what_is_appended() {
    for (existing, expected) in [
        ("", "sentry-release=r"),
        (" , ,", "sentry-release=r"),
        ("a=b", "a=b,sentry-release=r"),
        (" a = b ; p=1 ,, c=%zz\té ", "a = b ; p=1,c=%zz\té,sentry-release=r"),
        ("sentry-release=old,a=b, sentry-environment=old;p,c=d", "a=b,c=d,sentry-release=r"),
        ("sentry-,sentry-x,a", "a,sentry-release=r"),
        ("a=b,a=b,xsentry-a=b,Sentry-a=b", "a=b,a=b,xsentry-a=b,Sentry-a=b,sentry-release=r"),
    ] {
        assert_eq!(append(existing, &release("r")), expected, "{existing:?}");
        let without = expected.trim_end_matches("sentry-release=r").trim_end_matches(',');
        assert_eq!(append(existing, &context(&[])), without, "{existing:?}");
    }
}

#[test]
fn appending_drops_the_last_of_the_others_to_hold_the_limits() {
    let many: Vec<String> = (0..10_000).map(|index| format!("k{index}=v")).collect();
    let appended = append(&many.join(","), &release("r"));
    assert_eq!(appended, format!("{},sentry-release=r", many[..63].join(",")));

    let own = "sentry-release=r";
    let foreign = |bytes: usize| format!("a={}", "b".repeat(bytes - 2));
    let fits = foreign(MAX_BYTES - own.len() - 1);
    assert_eq!(append(&fits, &release("r")), format!("{fits},{own}"));
    assert_eq!(append(&format!("{fits}b"), &release("r")), own);
    assert_eq!(append(&format!("c=d,{fits},e=f"), &release("r")), format!("c=d,{own}"));
    let alone = foreign(MAX_BYTES);
    assert_eq!(append(&alone, &context(&[])), alone);
    assert_eq!(append(&foreign(1 << 20), &release("r")), own);
}

#[test]
fn ours_is_never_cut() {
    // The name of the release alone is too long; the environment is not.
    let huge = release(&"é".repeat(1 << 19)).with_environment("e".into());
    assert_eq!(print(&huge), "sentry-environment=e");
    let fits = release(&"r".repeat(MAX_BYTES - "sentry-release=".len()));
    assert_eq!(print(&fits).len(), MAX_BYTES);
    assert_eq!(append("a=b", &fits), print(&fits));
    assert_eq!(print(&fits.clone().with_environment("e".into())), print(&fits));

    let pairs: Vec<(String, String)> = (0..100).map(|index| (format!("k{index:02}"), "v".into())).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
    let printed = append("a=b", &context(&pairs));
    assert_eq!(printed.split(',').count(), MAX_MEMBERS);
    assert!(printed.starts_with("sentry-k00=v,") && printed.ends_with(",sentry-k63=v"), "{printed}");
}

fn contexts() -> impl Strategy<Value = DynamicSamplingContext> {
    let key = prop_oneof![
        Just("release".to_owned()),
        Just("environment".to_owned()),
        Just("transaction".to_owned()),
        Just("public_key".to_owned()),
        "[a-z!%*_]{1,8}",
    ];
    let value = prop_oneof![any::<String>(), "[%,;= a-f0-9]{0,12}"];
    (prop::collection::vec((key, value), 0..12), any::<Option<[u8; 16]>>(), 0..1_000_000u32, any::<Option<u64>>())
        .prop_map(|(pairs, trace_id, millionths, org_id)| {
            let mut context = DynamicSamplingContext::new();
            for (key, value) in pairs {
                context.set(key, value);
            }
            if let Some(trace_id) = trace_id {
                context = context.with_trace_id(trace_id.into()).with_sample_rate(millionths as f32 / 1e6);
            }
            if let Some(org_id) = org_id {
                context = context.with_org_id(org_id.into()).with_sampled(org_id % 2 == 0);
            }
            context
        })
}

proptest! {
    #[test]
    fn what_is_printed_is_read(context in contexts()) {
        let printed = print(&context);
        prop_assert!(printed.bytes().all(|byte| byte.is_ascii_graphic()), "{}", printed);
        prop_assert_eq!(read(&[&printed]), context);
    }

    #[test]
    fn what_others_wrote_stays(
        members in prop::collection::vec("(sentry-)?[a-z]{0,3}[ =;%é]{0,3}[a-z\0]{0,3}", 0..10),
        own in contexts(),
    ) {
        let appended = append(&members.join(","), &own);
        let foreign = |text: &str| -> Vec<String> {
            let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
            members.filter(|member| !member.starts_with(PREFIX)).map(str::to_owned).collect()
        };
        prop_assert_eq!(foreign(&appended), foreign(&members.join(",")));
        prop_assert_eq!(read(&[&appended]), own.clone());
        // Doing it twice changes nothing.
        prop_assert_eq!(append(&appended, &own), appended);
    }

    #[test]
    fn anything_is_read_and_appended_to(text in "[sentry\\-,;=% é\0]{0,60}", any in any::<String>(), own in contexts()) {
        for text in [text, any] {
            let read_back = read(&[&print(&read(&[&text]))]);
            prop_assert_eq!(read_back, read(&[&text]));
            let appended = append(&text, &own);
            prop_assert!(appended.len() <= MAX_BYTES && appended.split(',').count() <= MAX_MEMBERS);
        }
    }

    #[test]
    fn limits_hold(lengths in prop::collection::vec(0..400usize, 0..100), own in contexts()) {
        let members: Vec<String> = lengths.into_iter().map(|length| format!("a={}", "b".repeat(length))).collect();
        let appended = append(&members.join(","), &own);
        prop_assert!(appended.len() <= MAX_BYTES && appended.split(',').count() <= MAX_MEMBERS);
        prop_assert!(appended.ends_with(&print(&own)));
    }
}
