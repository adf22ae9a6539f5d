//! What the tests share: a small reader of JSON, so that the crates need no other, and a daemon of their own.

pub mod json {
    /// A value, with its text as it stands.
    #[derive(Clone, Debug)]
    pub struct Json {
        pub raw: String,
        pub value: Value,
    }

    #[derive(Clone, Debug, PartialEq)]
    pub enum Value {
        Plain, // null, true, false, or a number: see raw
        Text(String),
        Array(Vec<Json>),
        Object(Vec<(String, Json)>),
    }

    impl PartialEq for Json {
        fn eq(&self, other: &Json) -> bool {
            self.value == other.value && (self.value != Value::Plain || self.raw == other.raw)
        }
    }

    impl Json {
        pub fn get(&self, name: &str) -> Option<&Json> {
            match &self.value {
                Value::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
                _ => None,
            }
        }

        pub fn text(&self, name: &str) -> Option<&str> {
            match &self.get(name)?.value {
                Value::Text(text) => Some(text),
                _ => None,
            }
        }

        pub fn items(&self) -> &[Json] {
            match &self.value {
                Value::Array(items) => items,
                _ => &[],
            }
        }

        pub fn integer(&self) -> i64 {
            self.raw.parse().expect("an integer")
        }

        pub fn string(&self) -> &str {
            match &self.value {
                Value::Text(text) => text,
                other => panic!("a string, not {:?}", other),
            }
        }
    }

    pub fn parse(text: &str) -> Json {
        let mut reader = Reader { text, at: 0 };
        reader.value()
    }

    struct Reader<'a> {
        text: &'a str,
        at: usize,
    }

    impl<'a> Reader<'a> {
        fn peek(&mut self) -> char {
            self.at += self.text[self.at..].len() - self.text[self.at..].trim_start().len();
            self.text[self.at..].chars().next().expect("more JSON")
        }

        fn take(&mut self, wanted: char) -> bool {
            let is_there = self.peek() == wanted;
            self.at += if is_there { wanted.len_utf8() } else { 0 };
            is_there
        }

        fn value(&mut self) -> Json {
            let first = self.peek();
            let begin = self.at;
            let value = match first {
                '{' => Value::Object(self.list('}', |reader| {
                    reader.peek();
                    let name = reader.string();
                    assert!(reader.take(':'));
                    (name, reader.value())
                })),
                '[' => Value::Array(self.list(']', Reader::value)),
                '"' => Value::Text(self.string()),
                _ => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find(|c: char| ",]}".contains(c) || c.is_whitespace()).unwrap_or(rest.len());
                    Value::Plain
                }
            };
            Json { raw: self.text[begin..self.at].to_string(), value }
        }

        fn list<T>(&mut self, end: char, item: impl Fn(&mut Self) -> T) -> Vec<T> {
            self.at += 1;
            let mut items = Vec::new();
            if self.take(end) {
                return items;
            }
            loop {
                items.push(item(self));
                if self.take(end) {
                    return items;
                }
                assert!(self.take(','), "a comma at {}", self.at);
            }
        }

        fn string(&mut self) -> String {
            let mut units: Vec<u16> = Vec::new();
            let mut rest = self.text[self.at + 1..].char_indices();
            while let Some((place, character)) = rest.next() {
                match character {
                    '"' => {
                        self.at += 1 + place + 1;
                        return String::from_utf16(&units).expect("whole characters");
                    }
                    '\\' => match rest.next().expect("an escape").1 {
                        'u' => {
                            let digits: String = (0..4).map(|_| rest.next().expect("a digit").1).collect();
                            units.push(u16::from_str_radix(&digits, 16).expect("hexadecimal"));
                        }
                        'n' => units.push(10),
                        't' => units.push(9),
                        'r' => units.push(13),
                        other => units.push(other as u16),
                    },
                    other => units.extend(other.encode_utf16(&mut [0; 2]).iter()),
                }
            }
            panic!("a string that does not end")
        }
    }
}

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A tracking-httpd on free ports, ended with the test.
pub struct Daemon {
    process: Child,
    folder: std::path::PathBuf,
    pub url: String,
}

impl Daemon {
    pub fn start(accounts: &str) -> Daemon {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tracking-rust-{}-{}", std::process::id(), number));
        let build = std::env::var("TRACKING_BUILD_DIR").expect("TRACKING_BUILD_DIR names the folder of the build");
        let mut process = Command::new(format!("{}/bin/tracking-httpd", build))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--broker",
                "memory:",
            ])
            .args(["--accounts", accounts, "--data-dir"])
            .arg(&folder)
            .env_clear()
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("tracking-httpd starts");
        let output = BufReader::new(process.stderr.take().expect("its log"));
        let mut daemon = Daemon { process, folder, url: String::new() };
        for line in output.lines() {
            let record = json::parse(&line.expect("a line"));
            if record.text("message") == Some("listening") {
                daemon.url = record.text("public").expect("its address").to_string();
                return daemon;
            }
        }
        panic!("tracking-httpd ended instead of listening")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
