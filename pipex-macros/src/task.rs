//! `#[task]`: a description of the function, and one call.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Generics, LitStr, Path, ReceiverKind, Result, Type, parse_quote, parse_quote_spanned};

use crate::attributes::{RetryDelay, TaskMeta};
use crate::code;
use crate::crate_path::crate_path;
use crate::duration;
use crate::field::Field;
use crate::lifetimes::written_out;
use crate::mistakes::Mistakes;
use crate::returns::Returns;
use crate::signature::{self, Argument, Function, Kind};
use crate::source;
use crate::template::{Part, Template};

const TARGET: &str = "{path}/{funcname}/{base}";

pub fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    process(arguments, item.clone()).unwrap_or_else(|error| signature::unchanged(item, &error))
}

fn process(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut mistakes = Mistakes::default();
    let item = signature::item_fn(item, "task")?;
    let meta = mistakes.keep(TaskMeta::parse(arguments));
    // What is wrong in the attribute says nothing about `#[target]`.
    let own_output = meta.as_ref().is_none_or(|meta| meta.own_output);
    let function = mistakes.keep(Function::prepare(item, own_output));
    let (Some(meta), Some(mut function)) = (meta, function) else {
        return mistakes.into_result().map(|()| TokenStream::new());
    };
    let literal = meta.target.clone().unwrap_or_else(|| LitStr::new(TARGET, Span::call_site()));
    let target = mistakes.keep(template(&literal, &mut function));
    let name = meta.name.as_ref().and_then(|literal| mistakes.keep(template(literal, &mut function)));
    if let (Some(retry_if), true) = (&meta.retry_if, function.returns.is_value()) {
        mistakes
            .refuse(retry_if, "`retry_if` asks about an error: have the function return a `Result`, or leave it out");
    }
    if let Some(remote) = &meta.remote {
        function.refuse_to_travel(remote, &mut mistakes);
        if meta.own_output && function.target.is_none() {
            mistakes.refuse(
                remote,
                "a `remote` task gives a file: take a `#[target]` parameter and write there, leave out `save = false`, or leave out \
                 `remote`",
            );
        }
    }
    mistakes.into_result()?;
    let target = target.expect("a target that could not be read is a mistake");
    Ok(Emit { pipex: crate_path(meta.krate.clone()), meta, function, target, name }.function())
}

fn template(literal: &LitStr, function: &mut Function) -> Result<Template> {
    let template = Template::parse(literal, &function.parameters())?;
    function.name_in(&template, literal.span())?;
    Ok(template)
}

/// All that the generated function is made of.
pub struct Emit {
    pub meta: TaskMeta,
    pub function: Function,
    target: Template,
    name: Option<Template>,
    pub pipex: Path,
}

impl Emit {
    fn function(&self) -> TokenStream {
        let Emit { pipex, function: Function { item, arguments, .. }, .. } = self;
        let (attributes, visibility, name) = (&item.attrs, &item.vis, &item.sig.ident);
        let track_caller = (!attributes.iter().any(|attribute| attribute.path().is_ident("track_caller")))
            .then(|| quote!(#[track_caller]));
        let generics = generics(&item.sig.generics);
        let (generics, _, conditions) = generics.split_for_impl();
        let parameters = arguments.iter().map(|argument| self.parameter(argument));
        let values = arguments.iter().map(|argument| self.value(argument));
        // An argument that can't go to where the task runs is told at the parameters.
        let mut values = Group::new(Delimiter::Parenthesis, quote!(#(#values,)*));
        values.set_span(item.sig.paren_token.span.join().resolved_at(Span::mixed_site()));
        let output = self.output();
        let (task, look, fields) = (self.task(), self.look(), self.fields());
        let (store, again, body, travel) = (self.store(), self.again(), self.body(), self.travel());
        quote! {
            #(#attributes)*
            #track_caller
            #[allow(
                clippy::double_must_use,
                clippy::elidable_lifetime_names,
                clippy::extra_unused_lifetimes,
                clippy::missing_panics_doc,
                clippy::multiple_bound_locations,
                clippy::needless_lifetimes,
                clippy::too_many_arguments,
                clippy::type_repetition_in_bounds,
                clippy::used_underscore_binding
            )]
            #visibility fn #name #generics (#(#parameters),*) -> #pipex::Call<'pipex, #output> #conditions {
                #pipex::internal::call(#task, #values, #look, #fields, #body, #store, #again, #travel)
            }
        }
    }

    /// The description. In a block of its own, since items have no hygiene.
    fn task(&self) -> TokenStream {
        let Emit { pipex, meta, function: Function { item, .. }, .. } = self;
        let funcname = item.sig.ident.unraw().to_string();
        let target = self.template(&self.target);
        let (signature, block) = (&item.sig, &item.block);
        let tokens = quote!(#signature #block);
        let code = code::describe(&item.sig.ident, tokens.clone(), source::text(tokens), &meta.code, pipex);
        let parameters = self.function.arguments.iter().map(|argument| argument.name.unraw().to_string());
        let stale = meta.stale.as_ref().map(|stale| quote!(.stale(#pipex::Stale::#stale)));
        let name = self.name.as_ref().map(|name| self.template(name)).map(|name| quote!(.name(#name)));
        let saves_its_own = self.meta.own_output.then(|| quote!(.saves_its_own()));
        let wants_target = self.function.target.is_some().then(|| quote!(.wants_target()));
        let retries = meta.retries.map(|retries| quote!(.retries(#retries)));
        let retry_delay = meta.retry_delay.as_ref().map(|delay| {
            let delay = match delay {
                RetryDelay::Same(millis) => {
                    let delay = duration::emit(*millis);
                    quote!(Same(#delay))
                }
                RetryDelay::Each(list) => {
                    let list = list.iter().copied().map(duration::emit);
                    quote!(Each(const { &[#(#list),*] }))
                }
                RetryDelay::Exponential { first, factor, longest, jitter } => {
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
        let timeout = meta.timeout.map(duration::emit).map(|limit| quote!(.timeout(#limit)));
        let stored = (meta.own_output || meta.store.is_some()).then(|| quote!(.has_a_store_of_its_own()));
        let remote = meta.remote.as_ref().map(|_| quote!(.remote()));
        let registered = meta.remote.as_ref().map(|_| self.registered());
        quote!({
            static TASK: #pipex::internal::Task = #pipex::internal::Task::new(
                #funcname, ::core::module_path!(), ::core::file!(), ::core::line!(), #target
            )
            .code(#code)
            .parameters(&[#(#parameters),*])
            .package(::core::option_env!("CARGO_PKG_VERSION"))
            #name #stale #saves_its_own #wants_target #retries #retry_delay #timeout #tags #stored #remote;
            #registered
            &TASK
        })
    }

    fn template(&self, template: &Template) -> TokenStream {
        let pipex = &self.pipex;
        match template {
            Template::Plain(parts) => {
                let parts = parts.iter().map(|part| match part {
                    Part::Text(text) => quote!(#pipex::internal::Part::Text(#text)),
                    Part::Field(field) => {
                        let field = self.field(field);
                        quote!(#pipex::internal::Part::Field(#field))
                    }
                });
                quote!(#pipex::internal::Template::Plain(&[#(#parts),*]))
            }
            Template::Blocks { text, fields } => {
                let fields = fields.iter().map(|(name, field)| {
                    let field = self.field(field);
                    quote!((#name, #field))
                });
                quote!(#pipex::internal::Template::Blocks { text: #text, fields: &[#(#fields),*] })
            }
        }
    }

    fn field(&self, field: &Field) -> TokenStream {
        let pipex = &self.pipex;
        let field = match field {
            Field::Path => quote!(Path),
            Field::Base => quote!(Base),
            Field::Funcname => quote!(Funcname),
            Field::Module => quote!(Module),
            Field::Flow => quote!(Flow),
            Field::Parameter(name) => {
                let place = self.function.arguments.iter().position(|argument| argument.name.unraw() == name);
                let place = place.expect("a template names only parameters there are");
                quote!(Parameter(#place, #name))
            }
            Field::Env(name) => quote!(Env(#name)),
            Field::Now(part) => quote!(Now(#part)),
        };
        quote!(#pipex::internal::Field::#field)
    }

    /// A parameter of the generated function.
    fn parameter(&self, argument: &Argument) -> TokenStream {
        let name = &argument.name;
        if let Kind::Receiver(receiver) = &argument.kind {
            let mut receiver = receiver.clone();
            if let ReceiverKind::Reference(_, lifetime @ None, _) = &mut receiver.kind {
                *lifetime = parse_quote!('pipex);
            }
            return quote!(#receiver);
        }
        if let Some(conversion) = self.conversion(argument) {
            // A value that can't be taken is told at the type that it was given for.
            quote_spanned!(here(&argument.ty)=> #name: impl #conversion)
        } else {
            let ty = written_out(&argument.ty);
            quote!(#name: #ty)
        }
    }

    /// The trait by which the argument is taken.
    fn conversion(&self, argument: &Argument) -> Option<TokenStream> {
        let pipex = &self.pipex;
        let (name, ty) = match &argument.kind {
            Kind::Receiver(_) => ("IntoRefArg", &argument.ty),
            Kind::Reference(ty) if argument.named => ("IntoRefValue", ty),
            Kind::Reference(ty) => ("IntoRefArg", ty),
            Kind::Value if argument.named => ("IntoValue", &argument.ty),
            Kind::Value => ("IntoArg", &argument.ty),
            Kind::Plain => return None,
        };
        let span = here(&argument.ty);
        let (name, ty) = (Ident::new(name, span), written_out(ty));
        let pipex = respanned(pipex, span);
        let lifetime = matches!(argument.kind, Kind::Receiver(_) | Kind::Reference(_)).then(|| quote!('pipex,));
        Some(quote_spanned!(span=> #pipex::internal::#name<#lifetime #ty>))
    }

    /// The argument as it goes into the tuple.
    fn value(&self, argument: &Argument) -> TokenStream {
        let (pipex, name) = (&self.pipex, &argument.name);
        let Some(conversion) = self.conversion(argument) else { return quote!(#pipex::internal::plain(#name)) };
        let method = match (&argument.kind, argument.named) {
            (Kind::Value, true) => quote!(into_value),
            (Kind::Value, false) => quote!(into_arg),
            (_, true) => quote!(into_ref_value),
            (_, false) => quote!(into_ref_arg),
        };
        quote!(<_ as #conversion>::#method(#name))
    }

    /// What the arguments say of themselves.
    fn look(&self) -> TokenStream {
        let pipex = &self.pipex;
        if self.function.arguments.is_empty() {
            return quote!(|_, _| {});
        }
        let [args, seen] = ["args", "seen"].map(local);
        let all = self.function.arguments.iter().enumerate().map(|(place, argument)| {
            let (place, span) = (syn::Index::from(place), here(&argument.ty));
            (quote_spanned!(span=> #args.#place), span)
        });
        let looks = looks(pipex, &seen, all);
        quote!(|#args, #seen| { #looks })
    }

    /// The arguments that templates name.
    fn fields(&self) -> TokenStream {
        let pipex = &self.pipex;
        let named = || self.function.arguments.iter().enumerate().filter(|(_, argument)| argument.named);
        if named().next().is_none() {
            return quote!(|_, _| #pipex::internal::None);
        }
        let [args, index] = ["args", "index"].map(local);
        let arms = named().map(|(place, argument)| {
            // What can't be shown is told at its type.
            let span = here(&argument.ty);
            let (args, member) = (Ident::new("args", span), Literal::usize_unsuffixed(place));
            let member = respanned(&member, span);
            quote_spanned!(span=> #place => #pipex::internal::Some(&#args.#member as &dyn ::core::fmt::Display),)
        });
        quote!(|#args, #index| match #index { #(#arms)* _ => #pipex::internal::None })
    }

    pub fn store(&self) -> TokenStream {
        let (pipex, meta) = (&self.pipex, &self.meta);
        match (meta.own_output, &meta.load, &meta.store) {
            (true, None, _) => quote!(|| #pipex::internal::own_output()),
            // A closure, since a function that is generic over its path takes one of any lifetime only within one.
            (true, Some(load), _) => quote! {
                || #pipex::internal::own_output_with(|path: &#pipex::internal::Path| #load(path))
            },
            (false, _, Some(store)) => quote!(move || #pipex::internal::store(#store)),
            (false, _, None) => {
                // An output that can't be saved is told at the return type, from its first token to its last.
                let open = respanned(&quote!(#pipex::), here(&self.function.output));
                let store = Ident::new("FileStore", end(&self.function.output));
                quote!(|| #pipex::internal::store::<_, #open #store>(#pipex::FileStore::new()))
            }
        }
    }

    /// What the task gives when it succeeds.
    pub fn output(&self) -> TokenStream {
        let (pipex, ty) = (&self.pipex, &self.function.output);
        let is_result = match self.function.returns {
            Returns::Value => return quote!(#ty),
            Returns::Result => quote!(true),
            Returns::AsTyped => quote!({
                #[allow(unused_imports)]
                use #pipex::internal::ReturnedValue as _;
                <#pipex::internal::Returned<#ty>>::IS_RESULT
            }),
        };
        // From the first token of the type to its last, so that a mistake is shown under the whole of it.
        let open = respanned(&quote!(#pipex::internal::Given<), here(ty));
        quote_spanned!(end(ty)=> #open #ty, #is_result>)
    }

    /// The arguments once more, for a run that is tried again.
    fn again(&self) -> TokenStream {
        let pipex = &self.pipex;
        if self.meta.retries.unwrap_or(0) == 0 {
            return quote!(|_| #pipex::internal::None);
        }
        let args = local("args");
        let copies = self.function.arguments.iter().enumerate().map(|(place, argument)| {
            // What can't be given again is told at its type.
            let span = here(&argument.ty);
            let place = syn::Index::from(place);
            let argument = quote_spanned!(span=> &#args.#place);
            quote_spanned!(span=> #pipex::internal::Again::again(#argument))
        });
        quote!(|#args| #pipex::internal::Some((#(#copies,)*)))
    }

    /// The user's function.
    fn body(&self) -> TokenStream {
        let Emit { pipex, function, .. } = self;
        let [args, target, out] = ["args", "target", "out"].map(local);
        let (ty, statements) = (&function.output, &function.item.block);
        // What cannot be what a task returns is told at its type.
        let span = here(ty);
        let method = match (&function.returns, &self.meta.retry_if) {
            (Returns::Value, _) => quote_spanned!(span=> value()),
            (_, None) => quote_spanned!(span=> outcome()),
            (_, Some(retry_if)) => quote_spanned!(here(retry_if)=> outcome_if(#retry_if)),
        };
        let returned = respanned(&quote!(#pipex::internal::Returned(#out)), span);
        let outcome = quote!(|#out: #ty| {
            #[allow(unused_imports)]
            use #pipex::internal::ReturnedValue as _;
            #returned.#method
        });
        let taken: Vec<_> = (0..function.arguments.len()).map(|place| local(&format!("arg{place}"))).collect();
        let patterns = function.arguments.iter().zip(&taken).map(|(argument, taken)| {
            // `self` is a reference already, and the closure has it.
            if let Kind::Receiver(_) = argument.kind { quote!(_) } else { quote!(#taken) }
        });
        let bindings = function.arguments.iter().zip(&taken).map(|(argument, taken)| binding(argument, taken));
        let bindings = quote!(let (#(#patterns,)*) = #args; #(#bindings)*);
        let (target, bindings) = match &function.target {
            Some(Argument { attributes, mutability, name, ty, .. }) => {
                let ty = without_lifetime(ty);
                (quote!(#target), quote!(#bindings #(#attributes)* let #mutability #name: #ty = &#target;))
            }
            None => (quote!(_), bindings),
        };
        // Held until the body's last value is made, as parameters are.
        let run = quote! {
            #bindings
            #[allow(clippy::diverging_sub_expression)]
            let #out: #ty = #statements;
            #[allow(unreachable_code, clippy::let_and_return)]
            #out
        };
        if function.item.sig.asyncness.is_some() {
            let told = tell_output(pipex, ty);
            quote!(move |#args, #target| #pipex::internal::future(#outcome, async move { #told #run }))
        } else {
            quote!(move |#args, #target| #pipex::internal::sync(#outcome, move || -> #ty { #run }))
        }
    }
}

/// Looks at each of these as well as its type allows.
pub fn looks(pipex: &Path, seen: &Ident, all: impl Iterator<Item = (TokenStream, Span)>) -> TokenStream {
    let looks = all.map(|(argument, span)| {
        quote_spanned!(span=>
            #seen.next();
            (&&&&&#pipex::internal::Probe(&#argument)).look(#seen);
        )
    });
    quote! {
        #[allow(unused_imports)]
        use #pipex::internal::{
            ByDebug as _, ByHash as _, ByNothing as _, ByOutput as _, ByKnown as _, BySerialize as _,
        };
        #(#looks)*
    }
}

/// Tells an `async` block its type before the first `return` in it.
pub fn tell_output(pipex: &Path, ty: &Type) -> TokenStream {
    let out = local("out");
    quote! {
        if let #pipex::internal::Some(#out) = #pipex::internal::None::<#ty> {
            return #out;
        }
    }
}

/// The user's parameter, inside.
fn binding(argument: &Argument, taken: &Ident) -> TokenStream {
    let Argument { attributes, mutability, name, ty, .. } = argument;
    let unused = name.to_string().starts_with('_').then(|| quote!(#[allow(clippy::no_effect_underscore_binding)]));
    let binding = match &argument.kind {
        Kind::Receiver(_) => return TokenStream::new(),
        Kind::Value => quote!(#name: #ty = #taken),
        Kind::Reference(_) => {
            let ty = without_lifetime(ty);
            quote!(#name: #ty = &*#taken)
        }
        Kind::Plain => quote!(#name = #taken),
    };
    quote!(#unused #(#attributes)* let #mutability #binding;)
}

/// The reference, whose referent may not live as long as it says: it is in the arguments.
fn without_lifetime(ty: &Type) -> Type {
    let mut ty = ty.clone();
    let mut inner = &mut ty;
    loop {
        match inner {
            Type::Paren(paren) => inner = &mut paren.elem,
            Type::Group(group) => inner = &mut group.elem,
            Type::Reference(reference) => {
                reference.lifetime = None;
                break;
            }
            _ => break,
        }
    }
    ty
}

/// The user's generics, which outlive the call.
fn generics(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    let lifetimes: Vec<_> = generics.lifetimes().map(|parameter| parameter.lifetime.clone()).collect();
    let types: Vec<_> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    if !lifetimes.is_empty() || !types.is_empty() {
        let conditions = generics.make_where_clause();
        for lifetime in lifetimes {
            conditions.predicates.push(parse_quote_spanned!(lifetime.span()=> #lifetime: 'pipex));
        }
        for ty in types {
            conditions.predicates.push(parse_quote_spanned!(ty.span()=> #ty: 'pipex));
        }
    }
    generics.params.insert(0, parse_quote!('pipex));
    generics
}

/// The place of these tokens, with the names and the lints of generated code.
pub fn here(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    first.resolved_at(Span::mixed_site())
}

/// The place where these tokens end.
fn end(tokens: &impl ToTokens) -> Span {
    let last = tokens.to_token_stream().into_iter().last();
    last.map_or_else(Span::call_site, |token| token.span()).resolved_at(Span::mixed_site())
}

/// The same tokens, shown elsewhere.
pub fn respanned(tokens: &impl ToTokens, span: Span) -> TokenStream {
    let respan = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    tokens.to_token_stream().into_iter().map(respan).collect()
}

/// A name that the user's code does not see.
pub fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
