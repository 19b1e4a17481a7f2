//! todo
use nonevent_engine::target::*;
use nonevent_testkit::contract::{Behaviour, World};
use nonevent_testkit::sample;
use std::time::Instant;
#[tokio::test(flavor = "multi_thread")]
async fn timing() {
    let lab = crate::lab::Lab::open("timing").await;
    let t = lab.target();
    let place = sample::place("shop");
    macro_rules! time {
        ($name:literal, $e:expr) => {{
            let b = Instant::now();
            let r = $e.await.unwrap();
            println!("{:>6} ms {}", b.elapsed().as_millis(), $name);
            r
        }};
    }
    let fence = time!("lock", t.lock(&place, &sample::holder("a@b")));
    let f = Foundation { domain: Some("shop.localhost".into()), port: Some(8000), services: [].into(), volumes: vec![] };
    time!("prepare 1", t.prepare(&fence, &f));
    time!("prepare 2", t.prepare(&fence, &f));
    time!("beat", t.beat(&fence));
    for n in 1..=2 {
        let r = nonevent_engine::model::RolloutId::new(format!("r{n}"));
        let spec = sample::web(&r, "aaaa", &lab.image(), lab.app(Behaviour::Healthy));
        let i = time!("start", t.start(&fence, &spec));
        let rec = sample::record(&place, &r, "aaaa", &lab.image(), "shop.localhost");
        time!("stage", t.stage(&fence, &rec, &[i.id.clone()]));
        loop {
            let p = time!("probe", t.probe(&place, &i, &sample::health("/"), "shop.localhost"));
            if p.outcome.passed() {
                break;
            }
        }
        time!("switch", t.switch(&fence, &r));
        time!("drain", t.drain(&fence, std::time::Duration::from_secs(5)));
        let o = time!("observe", t.observe(&place));
        if let Some(idle) = o.idle {
            time!("retire", t.retire(&fence, &idle.instances[0], &tokio::sync::mpsc::channel(1).0));
        }
    }
    time!("down", t.down(&fence, Leave::Nothing));
    time!("unlock", t.unlock(&fence));
}
