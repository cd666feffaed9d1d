//! `hcndc user check`: whether a directory knows somebody, step by step and in its own words.

use clap::Args;

use super::{AccountError, read_password};
use crate::{
    auth::directory::{Directory, DirectoryError, Found},
    cli::{Exit, outside_args::LdapArgs, pick, say},
    interchange::Lang,
};

/// Arguments of `user check`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    #[command(flatten)]
    ldap: LdapArgs,
    /// The account
    account: String,
    /// Read the person's password from the standard input, one line, and try it, too
    #[arg(long)]
    password_stdin: bool,
}

pub(super) async fn run(args: &CheckArgs, lang: Lang) -> Result<Exit, AccountError> {
    let settings = args.ldap.settings();
    let settings = settings.map_err(|error| AccountError::Outside(error.message(lang)))?;
    let settings = settings.ok_or_else(|| {
        let text = pick(
            lang,
            "no directory is set up: name it with --ldap-url and --ldap-base, or by HCNDC_LDAP_URL and HCNDC_LDAP_BASE as the \
             server has them",
            "未设置目录服务：请用 --ldap-url 和 --ldap-base 指定，或像服务那样设置 HCNDC_LDAP_URL 和 HCNDC_LDAP_BASE",
        );
        AccountError::Outside(text.to_owned())
    })?;
    let password = match args.password_stdin {
        true => Some(read_password().map_err(AccountError::Input)?),
        false => None,
    };
    let directory = Directory::new(settings)
        .map_err(|error| AccountError::Outside(format!("--ldap-ca: {error}")))?;
    let account = super::normal(&args.account)?;
    let checked = directory.soon(check(&directory, &account, password.as_deref(), lang));
    Ok(match checked.await? {
        true => Exit::Success,
        false => Exit::Failed,
    })
}

async fn check(
    directory: &Directory,
    account: &str,
    password: Option<&str>,
    lang: Lang,
) -> Result<bool, DirectoryError> {
    let mut asking = directory.ask().await?;
    say(pick(
        lang,
        "the directory answers, and lets itself be searched",
        "目录服务有响应，可以查询",
    ));
    let Some(found) = asking.find(account).await? else {
        say(match lang {
            Lang::En => format!("{account}: nobody is meant"),
            Lang::Zh => format!("{account}：查无此人"),
        });
        return Ok(false);
    };
    tell(directory, &found, lang);
    let Some(password) = password else {
        return Ok(true);
    };
    let fits = asking.proves(&found, password).await?;
    say(match fits {
        true => pick(lang, "the password is right", "密码正确"),
        false => pick(
            lang,
            "the password is wrong, or not to be used now",
            "密码错误，或目前不可用",
        ),
    });
    Ok(fits)
}

fn tell(directory: &Directory, found: &Found, lang: Lang) {
    let person = &found.person;
    let roles = directory.rules().roles_of(&person.groups);
    let roles: Vec<_> = roles.into_iter().collect();
    let groups = person.groups.join("; ");
    for (en, zh, value) in [
        ("entry", "条目", &found.dn),
        ("account", "账号", &person.account),
        ("name", "姓名", &person.name),
        ("subject", "标识", &person.subject),
        ("groups", "组", &groups),
        ("roles by groups", "按组得到的角色", &roles.join(", ")),
    ] {
        match lang {
            Lang::En => say(format_args!("  {en}: {value}")),
            Lang::Zh => say(format_args!("  {zh}：{value}")),
        }
    }
}
