//! An engine whose disk fills up: seen before the build, or ended with a clear word; what serves goes on serving.

/// What `make soak` runs: it needs an engine on a small disk of its own.
mod soak {
    use std::path::PathBuf;
    use std::process::Command;

    use crate::kills::Clock;
    use crate::own_engine::OwnEngine;
    use crate::world::World;

    const SIZE: &str = "2000M";
    /// Bytes that a build needs beside three times the last image.
    const RESERVE: u64 = 256_000_000;
    /// A part of the app that does not compress, twice as large as what is left when it is loaded.
    const PART: u64 = 1_200_000_000;

    fn docker(host: &str, arguments: &[&str]) -> String {
        let output = Command::new("docker").args(arguments).env("DOCKER_HOST", host).output().unwrap();
        assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    struct Disk {
        folder: PathBuf,
    }

    impl Disk {
        fn free(&self) -> u64 {
            let told = Command::new("df").args(["--output=avail", "--block-size=1"]).arg(&self.folder).output().unwrap();
            String::from_utf8_lossy(&told.stdout).lines().nth(1).unwrap().trim().parse().unwrap()
        }

        /// Fills it until so much is left.
        fn leave(&self, bytes: u64) {
            let filler = self.folder.join("filler");
            let _ = std::fs::remove_file(&filler);
            let size = self.free().checked_sub(bytes).expect("the disk has less than that already");
            let filled = Command::new("fallocate").args(["--length", &size.to_string()]).arg(&filler).status().unwrap();
            assert!(filled.success(), "fallocate {size}");
        }

        fn clear(&self) {
            std::fs::remove_file(self.folder.join("filler")).unwrap();
        }
    }

    #[test]
    #[ignore = "fills a disk of its own: `make soak`"]
    fn docker_a_full_disk_is_named_and_what_serves_goes_on() {
        let engine = OwnEngine::named("full");
        let host = engine.up_on_a_disk_of(SIZE);
        {
            let mut clock = Clock::shipped(World::empty().on(&host), 1, "");
            let site = clock.site();
            let disk = Disk { folder: docker(&host, &["info", "--format", "{{.DockerRootDir}}"]).into() };
            let images = || docker(&host, &["images", "--all", "--quiet", "--no-trunc"]);
            let serving = clock.world.serving("local");

            // Seen before anything is built.
            disk.leave(RESERVE);
            let before = images();
            clock.change("first");
            let refused = clock.world.run(&["ship", "--allow-untested"]).refused("the engine's disk has");
            assert!(refused.stderr.contains("nonevent gc"), "{}", refused.stderr);
            assert_eq!(images(), before, "something was built");
            assert_eq!((clock.world.serving("local"), site.ask()), (serving.clone(), Ok("v1".to_owned())));
            disk.clear();

            // Enough for an app like the last one, and this one is not.
            let size = clock.world.json(&["releases"]).pointer("/releases/0/evidence/image_size").and_then(|size| size.as_u64());
            disk.leave(RESERVE + 3 * size.expect("a release knows its size") + 100_000_000);
            let (before, free) = (images(), disk.free());
            clock.world.write("part.bin", noise(PART));
            let failed = clock.world.run(&["ship", "--allow-untested"]).refused("no space left on device");
            println!("a disk that fills during the load:\n{}", failed.stderr);
            assert_eq!((clock.world.serving("local"), site.ask()), (serving, Ok("v1".to_owned())));
            assert_eq!(images(), before, "half an image is left");
            assert!(disk.free() + 50_000_000 > free, "{} bytes are lost", free - disk.free());

            // What was too much goes, and all is as ever.
            std::fs::remove_file(clock.world.project().join("part.bin")).unwrap();
            clock.change("second");
            clock.next();
            clock.world.run(&["ship", "--allow-untested"]).ok();
            clock.whole(&site, "after a full disk");
        }
        engine.run("purge");
    }

    /// Bytes that do not compress (xorshift64*).
    fn noise(count: u64) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
        };
        (0..count / 8).flat_map(|_| next()).collect()
    }
}
