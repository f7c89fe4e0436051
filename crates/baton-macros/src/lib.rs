//! The attribute `#[job]` of the crate `baton`, and nothing else.

use proc_macro::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, LitStr, parse_macro_input};

/// Makes an async function the job of this component: `POST /jobs/<name>` works the items of its queue with it.
///
/// ```text
/// #[job("invoice-export")]
/// async fn export(invoice: Item<Invoice>, cx: &Context) -> Outcome { … }
/// ```
///
/// The name is that of `baton.create_job` in the database: lower-case words of letters and digits, joined by `-`, that
/// begin with a letter. The function stays as it is, and a test may call it. A component has one job.
#[proc_macro_attribute]
pub fn job(name: TokenStream, function: TokenStream) -> TokenStream {
    let name = parse_macro_input!(name as LitStr);
    let function = parse_macro_input!(function as ItemFn);
    if let Err(error) = check(&name, &function) {
        return error.into_compile_error().into();
    }
    let work = &function.sig.ident;
    quote! {
        #function

        // `Outcome::done()` and its like.
        #[allow(unused_imports, reason = "a job may end by `?` alone")]
        use ::baton::Outcomes as _;

        ::baton::export_job!(#name, #work);
    }
    .into()
}

fn check(name: &LitStr, function: &ItemFn) -> Result<(), Error> {
    if !is_job_name(&name.value()) {
        return Err(Error::new(
            name.span(),
            "a job's name has at most 63 characters: lower-case letters and digits in words joined by `-`, the first a letter, \
             such as \"invoice-export\"",
        ));
    }
    let signature = &function.sig;
    if signature.asyncness.is_none() || signature.inputs.len() != 2 {
        return Err(Error::new_spanned(
            signature,
            "a job is `async fn name(item: Item<Data>, cx: &Context) -> Outcome`",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "a job has no parameters of types or lifetimes: its queue holds one kind of data",
        ));
    }
    Ok(())
}

/// `^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$`, so that it can be the name of a component, too.
fn is_job_name(name: &str) -> bool {
    name.len() <= 63
        && name.split('-').all(|word| {
            word.starts_with(|it: char| it.is_ascii_lowercase())
                && word
                    .bytes()
                    .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn names_fit_a_component_and_a_path() {
        for (name, expected) in [
            ("invoice-export", true),
            ("a", true),
            ("a1-b2", true),
            ("", false),
            ("Invoice", false),
            ("invoice_export", false),
            ("1a", false),
            ("a-1", false),
            ("a--b", false),
            ("-a", false),
            ("a-", false),
            ("a/b", false),
        ] {
            assert_eq!(is_job_name(name), expected, "{name}");
        }
        assert!(is_job_name(&"a".repeat(63)));
        assert!(!is_job_name(&"a".repeat(64)));
    }

    #[test]
    fn what_is_no_job_is_refused_with_its_shape() {
        let check = |function: ItemFn, expected: &str| {
            let name = LitStr::new("a", Span::call_site());
            let error = check(&name, &function).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            syn::parse_quote!(
                fn a(i: Item<()>, cx: &Context) -> Outcome {}
            ),
            "async fn",
        );
        check(
            syn::parse_quote!(
                async fn a(i: Item<()>) -> Outcome {}
            ),
            "async fn",
        );
        check(
            syn::parse_quote!(
                async fn a<T>(i: Item<T>, cx: &Context) -> Outcome {}
            ),
            "one kind of data",
        );
    }
}
