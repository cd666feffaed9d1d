//! The `hcndc` command; see [`hcndc_web::cli`].

fn main() -> std::process::ExitCode {
    hcndc_web::cli::main()
}
