//! Where the library is: the folder in TRACKING_C_LIBRARY_DIR, or what `pkg-config tracking-c` says.
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=TRACKING_C_LIBRARY_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    println!("cargo:rustc-link-lib=dylib=tracking_c");
    if let Ok(folder) = std::env::var("TRACKING_C_LIBRARY_DIR") {
        println!("cargo:rustc-link-search=native={}", folder);
        return;
    }
    let told = Command::new("pkg-config").args(["--variable=libdir", "tracking-c"]).output();
    match told {
        Ok(output) if output.status.success() => {
            println!("cargo:rustc-link-search=native={}", String::from_utf8_lossy(&output.stdout).trim());
        }
        _ => println!("cargo:warning=pkg-config does not know tracking-c; the linker looks in its own places"),
    }
}
