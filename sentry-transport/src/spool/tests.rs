//! The spool on a file system that fails, that its process dies on at any call, and that loses power.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use sentry_core::client_report::Recorder;
use sentry_core::protocol::client_report::{Category, ItemLoss, Reason};
use sentry_core::protocol::{Envelope, Event, Uuid};
use sentry_core::types::Dsn;
use sentry_core::wire::EncodedEnvelope;
use sentry_core::{Class, Diagnostics, SpoolFsync, SpoolOptions, clock, sdk_info};

use super::model::Model;
use super::store::Store;
use super::{FileName, Loaded, Spool};

fn spool(model: &Model, options: SpoolOptions, recorder: &Recorder) -> Spool {
    let dsn: Dsn = "https://key@host/1".parse().unwrap();
    let (recorder, diagnostics) = (recorder.clone(), Diagnostics::default());
    Spool::new(Path::new("/spool"), &dsn, options, Box::new(model.clone()), recorder, diagnostics)
}

fn plain(model: &Model) -> Spool {
    spool(model, SpoolOptions::default(), &Recorder::default())
}

fn envelope(n: u128) -> (Uuid, Vec<u8>) {
    let event_id = Uuid::from_u128(n + 1);
    let timestamp = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let event = Event { event_id, timestamp, message: Some(format!("number {n}")), ..Event::default() };
    let mut bytes = Vec::new();
    EncodedEnvelope::encode(Envelope::from(event), &sdk_info()).envelope.write_stored(&mut bytes).unwrap();
    (event_id, bytes)
}

fn keep(spool: &Spool, class: Class, n: u128) -> Option<FileName> {
    let (event_id, bytes) = envelope(n);
    spool.keep(class, Some(event_id), false, &bytes, clock::now(), clock::wall())
}

fn losses() -> Vec<ItemLoss> {
    vec![ItemLoss::new(Category::Error, 1)]
}

/// The ids of all that can be taken up, in their order. They are removed.
fn drain(spool: &Spool) -> Vec<u128> {
    let mut ids = Vec::new();
    while let Some((name, loaded)) = spool.take_up(clock::wall()) {
        if let Some((Loaded::Finished(envelope), _)) = loaded {
            let number = envelope.event_id().unwrap().as_u128() - 1;
            let mut bytes = Vec::new();
            envelope.write_stored(&mut bytes).unwrap();
            assert!(bytes == self::envelope(number).1, "exactly what was kept: {}", String::from_utf8_lossy(&bytes));
            ids.push(number);
        }
        spool.remove(name);
    }
    ids
}

#[test]
fn what_a_dead_process_left_is_taken_over_whole_and_once() {
    let model = Model::default();
    let first = plain(&model);
    for (class, n) in [(Class::Error, 1), (Class::Bulk, 2), (Class::Crash, 3), (Class::Error, 4)] {
        assert!(keep(&first, class, n).is_some());
    }
    let gone = keep(&first, Class::Error, 5).unwrap();
    first.remove(gone);
    let second = plain(&model);
    second.adopt(clock::now());
    assert!(!second.has_waiting(), "the first one lives");
    drop(first);
    second.adopt(clock::now());
    let third = plain(&model);
    third.adopt(clock::now());
    assert_eq!(drain(&third), []);
    assert_eq!(drain(&second), [3, 1, 4, 2]);
    second.close();
    third.close();
    assert_eq!(model.files(), [] as [PathBuf; 0]);
    assert_eq!(model.0.lock().unwrap().dirs.len(), 3, "nothing stays but the directories above");
}

#[test]
fn a_record_that_is_there_finished_too_is_not_finished_again() {
    let model = Model::default();
    let first = plain(&model);
    let (event_id, bytes) = envelope(1);
    assert!(first.keep(Class::Error, Some(event_id), true, &bytes, clock::now(), clock::wall()).is_some());
    assert!(keep(&first, Class::Error, 1).is_some());
    let second = plain(&model.after_death(None::<fn() -> u8>));
    drop(first);
    second.adopt(clock::now());
    assert_eq!(drain(&second), [1]);
    assert_eq!(model.files(), [] as [PathBuf; 0]);
}

#[test]
fn finishing_a_record_is_begun_so_often_and_then_it_is_set_aside() {
    let model = Model::default();
    let first = plain(&model);
    let (event_id, bytes) = envelope(1);
    assert!(first.keep(Class::Crash, Some(event_id), true, &bytes, clock::now(), clock::wall()).is_some());
    drop(first);
    for begun in [true, true, false] {
        let next = plain(&model);
        next.adopt(clock::now());
        let (name, loaded) = next.take_up(clock::wall()).unwrap();
        assert!(matches!(loaded, Some((Loaded::Raw(_), 0))));
        assert_eq!(next.try_again(name, 3).is_some(), begun);
    }
    let [left] = &model.files()[..] else { panic!("{:?}", model.files()) };
    assert_eq!(left.parent().and_then(Path::file_name).unwrap(), "bad");
}

#[test]
fn poison_is_set_aside_and_the_rest_is_sent() {
    let model = Model::default();
    let first = plain(&model);
    for n in 0..12 {
        assert!(keep(&first, Class::Error, n).is_some());
    }
    drop(first);
    {
        let mut tree = model.0.lock().unwrap();
        let files: Vec<usize> =
            tree.names.iter().filter(|(path, _)| path.extension().is_some()).map(|(_, content)| *content).collect();
        let spoil: [fn(&mut Vec<u8>); 7] = [
            |bytes| bytes.clear(),
            |bytes| bytes.fill(0),
            |bytes| bytes.truncate(3),
            |bytes| bytes.push(b'\n'),
            |bytes| bytes[20] ^= 1,
            |bytes| bytes.reverse(),
            |bytes| bytes.resize(2 << 20, b'x'),
        ];
        for (content, spoil) in files.into_iter().zip(spoil) {
            spoil(&mut tree.contents[content].bytes);
        }
    }
    let second = plain(&model);
    second.adopt(clock::now());
    assert_eq!(drain(&second), [7, 8, 9, 10, 11]);
    let bad = model.files();
    assert!(bad.len() == 5 && bad.iter().all(|path| path.parent().unwrap().ends_with("bad")), "{bad:?}");
    assert!(!second.has_waiting());
}

#[test]
fn files_of_other_formats_and_destinations_are_left_alone() {
    let model = Model::default();
    let first = plain(&model);
    assert!(keep(&first, Class::Error, 1).is_some());
    drop(first);
    let run = model.files()[0].parent().unwrap().to_owned();
    for name in ["b0-later-format.env2", "readme", "..b"] {
        model.write_new(&run.join(name), b"x", false).unwrap();
    }
    let other: Dsn = "https://key@host/2".parse().unwrap();
    let other = Spool::new(
        Path::new("/spool"),
        &other,
        SpoolOptions::default(),
        Box::new(model.clone()),
        Recorder::default(),
        Diagnostics::default(),
    );
    other.adopt(clock::now());
    assert_eq!(drain(&other), []);
    let second = plain(&model);
    second.adopt(clock::now());
    assert_eq!(drain(&second), [1]);
    assert_eq!(model.files().len(), 3);
}

#[test]
fn bulk_data_makes_room_for_errors_and_a_quarter_is_for_crashes() {
    let model = Model::default();
    let recorder = Recorder::default();
    let size = envelope(10).1.len() as u64;
    let options = SpoolOptions { max_bytes: 8 * size, ..SpoolOptions::default() };
    let spool = spool(&model, options, &recorder);
    let park = |name: Option<FileName>| name.is_some_and(|name| spool.park(name, losses(), Vec::new(), 0));
    for n in 10..16 {
        assert!(park(keep(&spool, Class::Bulk, n)));
    }
    assert!(park(keep(&spool, Class::Bulk, 16)), "in the place of the oldest");
    for n in 20..26 {
        assert!(park(keep(&spool, Class::Error, n)));
    }
    assert!(keep(&spool, Class::Bulk, 17).is_none(), "bulk data costs errors nothing");
    assert!(!spool.is_usable(clock::now()));
    for n in 30..32 {
        assert!(park(keep(&spool, Class::Crash, n)), "the last quarter");
    }
    assert!(park(keep(&spool, Class::Crash, 32)));
    let row = recorder.stats().of(Category::Error);
    assert_eq!((row.stored, row.lost_for(Reason::CacheOverflow)), (8, 8));
    assert_eq!(drain(&spool), [30, 31, 32, 21, 22, 23, 24, 25]);
}

#[test]
fn the_bounds_are_those_of_all_processes_together() {
    let model = Model::default();
    let size = envelope(10).1.len() as u64;
    let options = SpoolOptions { max_bytes: 8 * size, ..SpoolOptions::default() };
    let (first, second) = (spool(&model, options, &Recorder::default()), spool(&model, options, &Recorder::default()));
    let kept = (10..20).filter(|n| keep(if n % 2 == 0 { &first } else { &second }, Class::Error, *n).is_some()).count();
    assert_eq!(kept, 6);
    let by_number = SpoolOptions { max_files: 7, ..SpoolOptions::default() };
    let third = spool(&model, by_number, &Recorder::default());
    assert_eq!((20..30).filter(|n| keep(&third, Class::Error, *n).is_some()).count(), 1);
}

#[test]
fn what_is_too_old_is_dropped_and_counted() {
    let model = Model::default();
    let recorder = Recorder::default();
    let spool = spool(&model, SpoolOptions::default(), &recorder);
    let name = keep(&spool, Class::Error, 1).unwrap();
    assert!(spool.park(name, losses(), Vec::new(), 0));
    let later = clock::wall() + Duration::from_secs(31 * 24 * 60 * 60);
    assert!(matches!(spool.take_up(later), Some((_, None))));
    assert_eq!(recorder.stats().of(Category::Error).lost_for(Reason::CacheOverflow), 1);
    assert!(model.files().is_empty());
}

#[test]
fn a_disk_that_fails_is_left_alone_for_a_while() {
    let now = clock::now();
    let later = now + Duration::from_secs(61);
    let keep = |spool: &Spool, n, now: Instant| {
        let (event_id, bytes) = envelope(n);
        spool.keep(Class::Error, Some(event_id), false, &bytes, now, SystemTime::UNIX_EPOCH).is_some()
    };
    for (call, kind) in [
        ("make_dir", io::ErrorKind::PermissionDenied),
        ("write_new", io::ErrorKind::StorageFull),
        ("write_new", io::ErrorKind::ReadOnlyFilesystem),
        ("rename", io::ErrorKind::QuotaExceeded),
        ("is_private", io::ErrorKind::NotADirectory),
    ] {
        let model = Model::default();
        let spool = plain(&model);
        model.0.lock().unwrap().fails = Some((call, kind));
        assert!(!keep(&spool, 1, now) && !spool.is_usable(now), "{call} {kind}");
        assert!(model.files().iter().all(|file| !file.ends_with("tmp")), "{:?}", model.files());
        model.0.lock().unwrap().fails = None;
        assert!(spool.is_usable(later) && keep(&spool, 2, later), "{call} {kind}");
    }
    let model = Model::default();
    model.0.lock().unwrap().is_open_to_others = true;
    assert!(!keep(&plain(&model), 1, now), "somebody could put files there");
    let model = Model::default();
    model.0.lock().unwrap().space = Some((1000, 1 << 40));
    assert!(!keep(&plain(&model), 1, now), "the disk is full");
}

#[test]
fn a_directory_that_vanishes_is_made_again() {
    let model = Model::default();
    let spool = plain(&model);
    assert!(keep(&spool, Class::Error, 1).is_some());
    {
        let mut tree = model.0.lock().unwrap();
        tree.dirs.clear();
        tree.names.clear();
    }
    let name = keep(&spool, Class::Error, 2).unwrap();
    assert!(spool.park(name, losses(), Vec::new(), 0));
    assert_eq!(drain(&spool), [2]);
}

#[test]
fn what_cannot_be_forced_to_the_medium_is_written_once_more() {
    let model = Model::default();
    let spool = plain(&model);
    model.0.lock().unwrap().fails = Some(("sync", io::ErrorKind::Other));
    let name = keep(&spool, Class::Crash, 1).unwrap();
    assert_eq!(model.0.lock().unwrap().contents.len(), 2 + 2, "the locks, and two files");
    assert!(spool.park(name, losses(), Vec::new(), 0));
    assert_eq!(drain(&spool), [1]);
}

#[derive(Debug, Clone)]
enum Step {
    Keep(Class),
    Remove(usize),
    Park(usize),
    TakeUp,
    TryAgain(usize),
    /// The other process takes its part.
    Adopt,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = prop_oneof![Just(Class::Crash), Just(Class::Error), Just(Class::Bulk)];
    let step = prop_oneof![
        4 => class.prop_map(Step::Keep),
        2 => (0usize..8).prop_map(Step::Remove),
        2 => (0usize..8).prop_map(Step::Park),
        2 => Just(Step::TakeUp),
        1 => (0usize..8).prop_map(Step::TryAgain),
        1 => Just(Step::Adopt),
    ];
    prop::collection::vec(step, 1..24)
}

/// What a process was told of its files.
#[derive(Default)]
struct Told {
    /// Kept and not asked to be removed: has to be there.
    kept: BTreeMap<u128, (FileName, Class)>,
    /// What may be there, too: asked for at all.
    asked: BTreeSet<u128>,
}

fn live(model: &Model, spool: &Spool, steps: &[Step], numbers: &mut u128) -> Told {
    let mut told = Told::default();
    let nth = |told: &Told, n: usize| {
        let kept: Vec<_> = told.kept.iter().map(|(number, (name, _))| (*number, *name)).collect();
        kept.get(n % kept.len().max(1)).copied()
    };
    for step in steps {
        match step {
            Step::Keep(class) => {
                *numbers += 1;
                told.asked.insert(*numbers);
                // The dead are told nothing.
                if let Some(name) = keep(spool, *class, *numbers).filter(|_| !model.is_dead()) {
                    told.kept.insert(*numbers, (name, *class));
                }
            }
            Step::Remove(n) => {
                if let Some((number, name)) = nth(&told, *n) {
                    told.kept.remove(&number);
                    spool.remove(name);
                }
            }
            Step::Park(n) => {
                if let Some((_, name)) = nth(&told, *n) {
                    spool.park(name, losses(), Vec::new(), 0);
                }
            }
            Step::TakeUp => drop(spool.take_up(clock::wall())),
            Step::TryAgain(n) => {
                if let Some((number, name)) = nth(&told, *n) {
                    if let Some(again) = spool.try_again(name, 50) {
                        told.kept.get_mut(&number).unwrap().0 = again;
                    }
                }
            }
            Step::Adopt => spool.adopt(clock::now()),
        }
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 5_000 }))]

    /// Killed at any call, any number of times: what was kept is found, and nothing that was not.
    #[test]
    fn kills_lose_nothing(lives in prop::collection::vec((steps(), 1usize..160), 1..5)) {
        let model = Model::default();
        let mut numbers = 0;
        let mut expected = BTreeSet::new();
        let mut possible = BTreeSet::new();
        for (steps, dies_at) in lives {
            let model = model.after_death(None::<fn() -> u8>);
            model.0.lock().unwrap().dies_at = Some(dies_at);
            let spool = plain(&model);
            spool.adopt(clock::now());
            let told = live(&model, &spool, &steps, &mut numbers);
            expected.extend(told.kept.keys().copied());
            possible.extend(told.asked);
        }
        let model = model.after_death(None::<fn() -> u8>);
        let last = plain(&model);
        last.adopt(clock::now());
        let found = drain(&last);
        let distinct: BTreeSet<u128> = found.iter().copied().collect();
        prop_assert_eq!(found.len(), distinct.len(), "each once");
        prop_assert!(distinct.is_superset(&expected), "{:?} of {:?}", distinct, expected);
        prop_assert!(distinct.is_subset(&possible));
    }

    /// The power fails: crashes are there, and what is found is whole.
    #[test]
    fn power_losses_spare_crashes(
        steps in steps(),
        dies_at in 1usize..200,
        decisions in prop::collection::vec(any::<u8>(), 64),
        all in any::<bool>(),
    ) {
        let model = Model::default();
        let fsync = if all { SpoolFsync::Always } else { SpoolFsync::Crashes };
        let spool = spool(&model, SpoolOptions { fsync, ..SpoolOptions::default() }, &Recorder::default());
        // The directories are older.
        spool.adopt(clock::now());
        model.0.lock().unwrap().dies_at = Some(dies_at + 40);
        let mut numbers = 0;
        // A second attempt is told by a name, which is not forced to the medium.
        let steps: Vec<Step> = steps.into_iter().filter(|step| !matches!(step, Step::TryAgain(_))).collect();
        let told = live(&model, &spool, &steps, &mut numbers);
        drop(spool);
        let mut decisions = decisions.into_iter().cycle();
        let model = model.after_death(Some(|| decisions.next().unwrap()));
        let last = plain(&model);
        last.adopt(clock::now());
        let found: BTreeSet<u128> = drain(&last).into_iter().collect();
        let safe = told.kept.iter().filter(|(_, (_, class))| all || *class == Class::Crash);
        let safe: BTreeSet<u128> = safe.map(|(number, _)| *number).collect();
        prop_assert!(found.is_superset(&safe), "{:?} of {:?}", found, safe);
        prop_assert!(found.is_subset(&told.asked));
    }
}
