//! The description of a task: a `static` that the generated function hands on.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;

use crate::attributes::RetryDelayMeta;
use crate::field::ParsedField;
use crate::signature::TaskFn;
use crate::spans::{end_span, respan, start_span};
use crate::task::TaskEmitter;
use crate::template::{ParsedPart, ParsedTemplate};
use crate::{code, duration, source};

impl TaskEmitter {
    /// The description. In a block of its own, since items have no hygiene.
    pub fn emit_description(&self) -> TokenStream {
        let TaskEmitter { pipex, meta, function: TaskFn { item, .. }, .. } = self;
        let funcname = item.sig.ident.unraw().to_string();
        let mut targets = self.targets.iter().map(|target| self.emit_template(target));
        let target = targets.next().unwrap_or_else(|| match self.function.takes_address() {
            true => self.emit_template(&ParsedTemplate::by_base()),
            false => quote!(#pipex::internal::Template::Default),
        });
        let more_targets = (self.targets.len() > 1).then(|| quote!(.more_targets(&[#(#targets),*])));
        let (signature, block) = (&item.sig, &item.block);
        let tokens = quote!(#signature #block);
        let code = code::emit_code(&item.sig.ident, tokens.clone(), source::read_text(tokens), &meta.code, pipex);
        let parameters = self.function.parameters.iter().map(|parameter| parameter.name.unraw().to_string());
        let stale = meta.stale.as_ref().map(|stale| quote!(.stale(#pipex::Stale::#stale)));
        let name = self.name.as_ref().map(|name| self.emit_template(name)).map(|name| quote!(.name(#name)));
        let saves_its_own = self.meta.own_output.then(|| quote!(.saves_its_own()));
        let wants_target = (!self.function.targets.is_empty()).then(|| quote!(.wants_target()));
        let retries = meta.retries.map(|retries| quote!(.retries(#retries)));
        let retry_delay = meta.retry_delay.as_ref().map(|delay| {
            let delay = match delay {
                RetryDelayMeta::Same(millis) => {
                    let delay = duration::emit(*millis);
                    quote!(Same(#delay))
                }
                RetryDelayMeta::Each(list) => {
                    let list = list.iter().copied().map(duration::emit);
                    quote!(Each(const { &[#(#list),*] }))
                }
                RetryDelayMeta::Exponential { first, factor, longest, jitter } => {
                    let first = duration::emit(*first);
                    let longest = match longest.map(duration::emit) {
                        Some(longest) => quote!(#pipex::internal::Some(#longest)),
                        None => quote!(#pipex::internal::None),
                    };
                    quote!(Exponential { first: #first, factor: #factor, longest: #longest, jitter: #jitter })
                }
            };
            quote!(.retry_delay(#pipex::internal::RetryDelay::#delay))
        });
        let tags = (!meta.tags.is_empty()).then(|| {
            let tags = &meta.tags;
            quote!(.tags(&[#(#tags),*]))
        });
        let resources = meta.resources.emit_description(pipex);
        let timeout = meta.timeout.map(duration::emit).map(|limit| quote!(.timeout(#limit)));
        let stored = (meta.own_output || meta.store.is_some()).then(|| quote!(.has_a_store_of_its_own()));
        let remote = meta.remote.as_ref().map(|_| quote!(.remote()));
        let registered = meta.remote.as_ref().map(|_| self.emit_registration());
        quote!({
            static TASK: #pipex::internal::Task = #pipex::internal::Task::new(
                #funcname, ::core::module_path!(), ::core::file!(), ::core::line!(), #target
            )
            .code(#code)
            .parameters(&[#(#parameters),*])
            .package(::core::option_env!("CARGO_PKG_VERSION"))
            #more_targets #name #stale #saves_its_own #wants_target #retries #retry_delay #timeout #tags #resources #stored #remote;
            #registered
            &TASK
        })
    }

    fn emit_template(&self, template: &ParsedTemplate) -> TokenStream {
        let pipex = &self.pipex;
        match template {
            ParsedTemplate::Plain(parts) => {
                let parts = parts.iter().map(|part| match part {
                    ParsedPart::Text(text) => quote!(#pipex::internal::Part::Text(#text)),
                    ParsedPart::Field(field) => {
                        let field = self.emit_field(field);
                        quote!(#pipex::internal::Part::Field(#field))
                    }
                });
                quote!(#pipex::internal::Template::Plain(&[#(#parts),*]))
            }
            ParsedTemplate::Blocks { text, fields } => {
                let fields = fields.iter().map(|(name, field)| {
                    let field = self.emit_field(field);
                    quote!((#name, #field))
                });
                quote!(#pipex::internal::Template::Blocks { text: #text, fields: &[#(#fields),*] })
            }
            ParsedTemplate::Constant(path) => {
                // What is wrong with it is told at its name.
                let has_digest = !self.function.parameters.is_empty() && !self.function.takes_address();
                let arguments = quote_spanned!(end_span(path)=> (#path, #has_digest));
                let parse = respan(&quote!(#pipex::internal::ConstantTemplate::parse), start_span(path));
                quote!(#pipex::internal::Template::Plain({
                    const READ: &#pipex::internal::ConstantTemplate = &#parse #arguments;
                    READ.parts()
                }))
            }
        }
    }

    fn emit_field(&self, field: &ParsedField) -> TokenStream {
        let pipex = &self.pipex;
        let field = match field {
            ParsedField::Path => quote!(Path),
            ParsedField::Base => quote!(Base),
            ParsedField::Funcname => quote!(Funcname),
            ParsedField::Module => quote!(Module),
            ParsedField::Flow => quote!(Flow),
            ParsedField::Args => quote!(Args),
            ParsedField::Parameter(field) => {
                let index = self.fields.iter().position(|(known, _)| known == field);
                let index = index.expect("a template's fields are among those of all templates");
                let text = field.text();
                quote!(Parameter(#index, #text))
            }
            ParsedField::Env(name) => quote!(Env(#name)),
            ParsedField::Now(part) => quote!(Now(#part)),
        };
        quote!(#pipex::internal::TemplateField::#field)
    }
}
