//! What a narrator writes on: a terminal where lines can move, a file where they cannot, or nothing.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{LiveKey, Mark};
use crate::out::Out;
use crate::words;

/// What a narrator writes on.
pub struct Paper(Kind);

enum Kind {
    Silent,
    Plain(Out),
    Terminal { screen: MultiProgress, bars: Vec<(LiveKey, ProgressBar)>, motion: Motion },
}

/// Whether spinners turn by themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Motion {
    Steady,
    Still,
}

impl Paper {
    /// Paper on which nothing is seen.
    pub fn silent() -> Self {
        Self(Kind::Silent)
    }

    /// Paper that takes final lines only.
    pub fn plain(out: Out) -> Self {
        Self(Kind::Plain(out))
    }

    /// The terminal behind standard error.
    pub fn terminal() -> Self {
        Self::on(ProgressDrawTarget::stderr(), Motion::Steady)
    }

    /// A terminal on which nothing moves by itself, so that its content depends on what was told alone.
    pub fn still(target: ProgressDrawTarget) -> Self {
        Self::on(target, Motion::Still)
    }

    fn on(target: ProgressDrawTarget, motion: Motion) -> Self {
        Self(Kind::Terminal { screen: MultiProgress::with_draw_target(target), bars: Vec::new(), motion })
    }

    /// Applies changes in order.
    pub fn apply(&mut self, marks: Vec<Mark>) {
        match &mut self.0 {
            Kind::Silent => {}
            Kind::Plain(out) => {
                for mark in marks {
                    if let Mark::Print(line) = mark {
                        out.line(&line);
                    }
                }
            }
            Kind::Terminal { screen, bars, motion } => {
                for mark in marks {
                    draw(screen, bars, *motion, mark);
                }
            }
        }
    }
}

fn draw(screen: &MultiProgress, bars: &mut Vec<(LiveKey, ProgressBar)>, motion: Motion, mark: Mark) {
    match mark {
        // A terminal that is gone takes no more lines, which harms nobody.
        Mark::Print(line) => drop(screen.println(line)),
        Mark::Show(live) => match bars.iter().find(|(key, _)| *key == live.key) {
            Some((_, bar)) => bar.set_message(live.text),
            None => {
                let bar = screen.add(ProgressBar::new_spinner().with_style(style(motion)).with_prefix("  ".repeat(live.indent)));
                bar.set_message(live.text.clone());
                if motion == Motion::Steady {
                    bar.enable_steady_tick(Duration::from_millis(100));
                }
                bars.push((live.key, bar));
            }
        },
        Mark::Hide(hidden) => {
            if let Some(index) = bars.iter().position(|(key, _)| *key == hidden) {
                let (_, bar) = bars.remove(index);
                bar.finish_and_clear();
                screen.remove(&bar);
            }
        }
    }
}

fn style(motion: Motion) -> ProgressStyle {
    let template = match motion {
        Motion::Steady => "{prefix}{spinner} {msg}{took:>8}",
        Motion::Still => "{prefix}… {msg}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key(
        "took",
        |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            let elapsed = u64::try_from(state.elapsed().as_millis()).unwrap_or(u64::MAX);
            // A terminal that is gone takes no more text, which harms nobody.
            let _ = text.write_str(&words::duration(elapsed));
        },
    )
}
