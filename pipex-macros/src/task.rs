//! `#[task]`: a description of the function, and one call.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Generics, Path, ReceiverKind, Result, Type, parse_quote, parse_quote_spanned};

use crate::attributes::{TaskMeta, TemplateMeta};
use crate::crate_path::find_crate_path;
use crate::field::ParameterField;
use crate::lifetimes::write_out_lifetimes;
use crate::mistakes::Mistakes;
use crate::returns::{self, Returns};
use crate::signature::{self, Parameter, ParameterKind, TaskFn};
use crate::spans::{end_span, hygienic, respan, start_span};
use crate::template::ParsedTemplate;

pub fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    process(arguments, item.clone()).unwrap_or_else(|error| signature::emit_unchanged(item, &error))
}

fn process(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut mistakes = Mistakes::default();
    let item = signature::parse_item_fn(item, "task")?;
    let meta = mistakes.ok_or_add(TaskMeta::parse(arguments));
    // What is wrong in the attribute says nothing about `#[target]`.
    let own_output = meta.as_ref().is_none_or(|meta| meta.own_output);
    let outputs = meta.as_ref().map(|meta| &meta.targets[..]);
    let function = mistakes.ok_or_add(TaskFn::prepare(item, own_output, outputs));
    let (Some(meta), Some(mut function)) = (meta, function) else {
        return mistakes.into_result().map(|()| TokenStream::new());
    };
    let mut fields = Vec::new();
    let mut parse = |template| mistakes.ok_or_add(parse_template(template, &mut function, &mut fields));
    let templates = meta.target.iter().chain(meta.targets.iter().map(|(_, template)| template));
    let targets: Vec<_> = templates.filter_map(&mut parse).collect();
    let name = meta.name.as_ref().and_then(parse);
    if let (Some(retry_if), true) = (&meta.retry_if, function.returns.is_value()) {
        mistakes
            .refuse(retry_if, "`retry_if` asks about an error: have the function return a `Result`, or leave it out");
    }
    if let (false, Some(values)) = (meta.own_output || meta.targets.is_empty(), function.find_tuple())
        && values.elems.len() != meta.targets.len()
    {
        let (targets, count) = (meta.targets.len(), values.elems.len());
        let message =
            format!("`target(..)` has {targets} names and there are {count} values here: each value has a target");
        mistakes.refuse(values, message);
    }
    meta.resources.refuse_target(&function, &mut mistakes);
    if let Some(remote) = &meta.remote {
        function.refuse_remote(remote, &mut mistakes);
        if meta.own_output && function.targets.is_empty() {
            mistakes.refuse(
                remote,
                "a `remote` task gives a file: take a `#[target]` parameter and write there, leave out `save = false`, or leave out \
                 `remote`",
            );
        }
    }
    mistakes.into_result()?;
    Ok(TaskEmitter { pipex: find_crate_path(meta.krate.clone()), meta, function, targets, name, fields }
        .emit_function())
}

/// Reads a template, and adds what it names of parameters to `fields`.
fn parse_template(
    template: &TemplateMeta,
    function: &mut TaskFn,
    fields: &mut Vec<(ParameterField, Span)>,
) -> Result<ParsedTemplate> {
    let literal = match template {
        TemplateMeta::Text(literal) => literal,
        TemplateMeta::Constant(path) => return Ok(ParsedTemplate::Constant(path.clone())),
    };
    let template = ParsedTemplate::parse(literal, &function.parameter_names())?;
    function.mark_named(&template, literal.span())?;
    for field in template.parameter_fields() {
        if !fields.iter().any(|(known, _)| known == field) {
            fields.push((field.clone(), literal.span()));
        }
    }
    Ok(template)
}

/// All that the generated function is made of.
pub struct TaskEmitter {
    pub meta: TaskMeta,
    pub function: TaskFn,
    /// The template of its target, if it has one of its own; one for each of several outputs.
    pub targets: Vec<ParsedTemplate>,
    pub name: Option<ParsedTemplate>,
    /// What the templates name of parameters, each once, and where the first stands that names it.
    pub fields: Vec<(ParameterField, Span)>,
    pub pipex: Path,
}

impl TaskEmitter {
    fn emit_function(&self) -> TokenStream {
        let TaskEmitter { pipex, function: TaskFn { item, parameters, .. }, .. } = self;
        let (attributes, visibility, name) = (&item.attrs, &item.vis, &item.sig.ident);
        let track_caller = (!attributes.iter().any(|attribute| attribute.path().is_ident("track_caller")))
            .then(|| quote!(#[track_caller]));
        let generics = add_call_lifetime(&item.sig.generics);
        let (generics, _, conditions) = generics.split_for_impl();
        let declarations = parameters.iter().map(|parameter| self.emit_parameter(parameter));
        let values = parameters.iter().map(|parameter| self.emit_value(parameter));
        // An argument that can't go to where the task runs is told at the parameters.
        let mut values = Group::new(Delimiter::Parenthesis, quote!(#(#values,)*));
        values.set_span(item.sig.paren_token.span.join().resolved_at(Span::mixed_site()));
        let (call, check) = (self.emit_call_type(), self.emit_name_check());
        let (task, inspection, fields) = (self.emit_description(), self.emit_inspection(), self.emit_fields());
        let (store, copies, body, encoding) =
            (self.emit_store(), self.emit_copies(), self.emit_body(), self.emit_encoding());
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
            #visibility fn #name #generics (#(#declarations),*) -> #call #conditions {
                #check
                #pipex::internal::call(#task, #values, #inspection, #fields, #body, #store, #copies, #encoding)
            }
        }
    }

    /// A parameter of the generated function.
    fn emit_parameter(&self, parameter: &Parameter) -> TokenStream {
        let name = &parameter.name;
        if let ParameterKind::Receiver(receiver) = &parameter.kind {
            let mut receiver = receiver.clone();
            if let ReceiverKind::Reference(_, lifetime @ None, _) = &mut receiver.kind {
                *lifetime = parse_quote!('pipex);
            }
            return quote!(#receiver);
        }
        if let Some(conversion) = self.find_conversion(parameter) {
            // A value that can't be taken is told at the type that it was given for.
            quote_spanned!(start_span(&parameter.ty)=> #name: impl #conversion)
        } else {
            let ty = write_out_lifetimes(&parameter.ty);
            quote!(#name: #ty)
        }
    }

    /// The trait by which the argument is taken.
    fn find_conversion(&self, parameter: &Parameter) -> Option<TokenStream> {
        let pipex = &self.pipex;
        let (name, ty) = match &parameter.kind {
            ParameterKind::Receiver(_) if parameter.named => ("IntoRefValue", &parameter.ty),
            ParameterKind::Receiver(_) => ("IntoRefArg", &parameter.ty),
            ParameterKind::Reference(ty) if parameter.named => ("IntoRefValue", ty),
            ParameterKind::Reference(ty) => ("IntoRefArg", ty),
            ParameterKind::Value if parameter.named => ("IntoValue", &parameter.ty),
            ParameterKind::Value if self.function.is_option(&parameter.ty) => ("IntoOptionArg", &parameter.ty),
            ParameterKind::Value => ("IntoArg", &parameter.ty),
            ParameterKind::Plain => return None,
        };
        let span = start_span(&parameter.ty);
        let (name, ty) = (Ident::new(name, span), write_out_lifetimes(ty));
        let pipex = respan(pipex, span);
        let lifetime =
            matches!(parameter.kind, ParameterKind::Receiver(_) | ParameterKind::Reference(_)).then(|| quote!('pipex,));
        Some(quote_spanned!(span=> #pipex::internal::#name<#lifetime #ty>))
    }

    /// The argument as it goes into the tuple.
    fn emit_value(&self, parameter: &Parameter) -> TokenStream {
        let (pipex, name) = (&self.pipex, &parameter.name);
        let Some(conversion) = self.find_conversion(parameter) else { return quote!(#pipex::internal::plain(#name)) };
        let method = match (&parameter.kind, parameter.named) {
            (ParameterKind::Value, true) => quote!(into_value),
            (ParameterKind::Value, false) if self.function.is_option(&parameter.ty) => quote!(into_option_arg),
            (ParameterKind::Value, false) => quote!(into_arg),
            (_, true) => quote!(into_ref_value),
            (_, false) => quote!(into_ref_arg),
        };
        quote!(<_ as #conversion>::#method(#name))
    }

    /// What the arguments say of themselves.
    fn emit_inspection(&self) -> TokenStream {
        let pipex = &self.pipex;
        let [args, visitor] = ["args", "visitor"].map(hygienic);
        let measure = self.emit_measure(&args, &visitor);
        if self.function.parameters.is_empty() && measure.is_none() {
            return quote!(|_, _| {});
        }
        let all = self.function.parameters.iter().enumerate().map(|(index, parameter)| {
            let (index, span) = (syn::Index::from(index), start_span(&parameter.ty));
            (quote_spanned!(span=> #args.#index), span)
        });
        let inspections = emit_inspections(pipex, &visitor, self.meta.remote.is_some(), all);
        quote!(move |#args, #visitor| { #measure #inspections })
    }

    /// Writes what templates name of the arguments.
    fn emit_fields(&self) -> TokenStream {
        let pipex = &self.pipex;
        if self.fields.is_empty() {
            return quote!(|_, _, _| #pipex::internal::None);
        }
        let [args, index, out] = ["args", "index", "out"].map(hygienic);
        let arms = self.fields.iter().enumerate().map(|(number, (field, span))| {
            // What can't be shown is told at its type; a format or a field that it does not have, at the template.
            let place = self.function.parameters.iter().position(|parameter| parameter.name.unraw() == field.name);
            let place = place.expect("a template names only parameters there are");
            let span = if field.is_bare() { start_span(&self.function.parameters[place].ty) } else { *span };
            let span = span.resolved_at(Span::mixed_site());
            let (args, out, place) = (respan(&args, span), respan(&out, span), respan(&syn::Index::from(place), span));
            let members = field.members(span);
            let mut format = Literal::string(&match &*field.spec {
                "" => "{}".to_owned(),
                spec => format!("{{:{spec}}}"),
            });
            format.set_span(span);
            let written = quote_spanned!(span=> ::core::write!(#out, #format, #args.#place.get() #(.#members)*));
            quote!(#number => #pipex::internal::Some(#written),)
        });
        quote!(|#args, #index, #out| match #index { #(#arms)* _ => #pipex::internal::None })
    }

    /// What the generated function returns.
    fn emit_call_type(&self) -> TokenStream {
        let (pipex, output) = (&self.pipex, self.emit_output_type());
        if self.meta.targets.is_empty() {
            return quote!(#pipex::Call<'pipex, #output>);
        }
        let values = self.emit_values_type();
        let outputs = respan(&quote!(#pipex::Outputs), start_span(&self.function.output));
        quote!(#pipex::Call<'pipex, <#values as #outputs>::Parts, <#values as #outputs>::Handles>)
    }

    /// What a run gives: its output, or several as a tuple.
    pub fn emit_run_type(&self) -> TokenStream {
        if self.meta.targets.is_empty() {
            return self.emit_output_type();
        }
        let (pipex, values) = (&self.pipex, self.emit_values_type());
        quote!(<#values as #pipex::Outputs>::Parts)
    }

    /// The store of its output, or those of several.
    pub fn emit_stores_type(&self) -> TokenStream {
        let pipex = &self.pipex;
        if self.meta.targets.is_empty() {
            let output = self.emit_output_type();
            return quote!(#pipex::internal::BoxedStore<#output>);
        }
        let (values, parts) = (self.emit_values_type(), self.emit_run_type());
        quote!(<<#values as #pipex::Outputs>::Handles as #pipex::internal::Handles<#parts>>::Stores)
    }

    /// What several outputs are together: what the function gives, or a `()` for each file that it writes.
    fn emit_values_type(&self) -> TokenStream {
        if self.meta.own_output {
            let units = self.meta.targets.iter().map(|_| quote!(()));
            return quote!((#(#units),*));
        }
        self.emit_output_type()
    }

    /// That the outputs are called like the fields of the struct that has them.
    fn emit_name_check(&self) -> Option<TokenStream> {
        if self.meta.targets.is_empty() {
            return None;
        }
        let (pipex, values) = (&self.pipex, self.emit_values_type());
        let names = self.meta.targets.iter().map(|(name, _)| name.unraw().to_string());
        let span = self.meta.targets[0].0.span().resolved_at(Span::mixed_site());
        let check = quote_spanned!(span=>
            #pipex::internal::check_names(<#values as #pipex::Outputs>::NAMES, &[#(#names),*])
        );
        // Where the types may be generic ones, the compiler knows them only when it comes to a call.
        let is_concrete = self.meta.own_output || returns::is_concrete(&self.function.output, &self.function.item);
        Some(if is_concrete {
            quote_spanned!(span=> const _: () = #check;)
        } else {
            quote_spanned!(span=> const { #check })
        })
    }

    pub fn emit_store(&self) -> TokenStream {
        let (pipex, meta) = (&self.pipex, &self.meta);
        if !meta.targets.is_empty() {
            // The types are those of the outputs that the call gives.
            let store = match (meta.own_output, &meta.store) {
                (true, _) => quote!(#pipex::internal::own_output()),
                (false, Some(store)) => quote_spanned!(start_span(store)=> #pipex::internal::store(#store)),
                (false, None) => {
                    let open = respan(&quote!(#pipex::), start_span(&self.function.output));
                    let store = Ident::new("FileStore", end_span(&self.function.output));
                    quote!(#pipex::internal::store::<_, #open #store>(#pipex::FileStore::new()))
                }
            };
            let stores = meta.targets.iter().map(|_| &store);
            let extensions = meta.store.is_none().then(|| self.emit_extensions());
            return quote!(move || {
                #extensions
                (#(#stores,)*)
            });
        }
        match (meta.own_output, &meta.load, &meta.store) {
            (true, None, _) => quote!(|| #pipex::internal::own_output()),
            // A closure, since a function that is generic over its path takes one of any lifetime only within one.
            (true, Some(load), _) => quote! {
                || #pipex::internal::own_output_with(|path: &#pipex::internal::Path| #load(path))
            },
            (false, _, Some(store)) => {
                // The type is said, or a store that keeps only one type would have the output be of that.
                let output = self.emit_output_type();
                quote_spanned!(start_span(store)=> move || #pipex::internal::store::<#output, _>(#store))
            }
            (false, _, None) => {
                // An output that can't be saved is told at the return type, from its first token to its last.
                let open = respan(&quote!(#pipex::), start_span(&self.function.output));
                let store = Ident::new("FileStore", end_span(&self.function.output));
                let extensions = self.emit_extensions();
                quote!(|| {
                    #extensions
                    #pipex::internal::store::<_, #open #store>(#pipex::FileStore::new())
                })
            }
        }
    }

    /// An output that can never be written under the extension of its target is told at the return type.
    fn emit_extensions(&self) -> TokenStream {
        let (pipex, TaskFn { output: ty, item, .. }) = (&self.pipex, &self.function);
        if self.meta.own_output || !returns::is_concrete(ty, item) {
            return TokenStream::new();
        }
        let output = self.emit_output_type();
        let checks = self.targets.iter().enumerate().filter_map(|(index, target)| {
            let end = match target {
                ParsedTemplate::Constant(path) => quote!(#pipex::internal::ConstantTemplate::literal_end(#path)),
                template => Some(template.literal_end()).filter(|end| end.contains('.'))?.to_token_stream(),
            };
            let output = if self.meta.targets.is_empty() {
                output.clone()
            } else {
                let part = quote!(<<#output as #pipex::Outputs>::Parts as #pipex::internal::Nth<#index>>::Value);
                respan(&part, start_span(ty))
            };
            let number = quote!({ #pipex::internal::number_extension(#end) });
            Some(quote!(#pipex::internal::Taken::<#number>::expect::<#output>();))
        });
        checks.collect()
    }

    /// What the task gives when it succeeds.
    pub fn emit_output_type(&self) -> TokenStream {
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
        let open = respan(&quote!(#pipex::internal::TaskOutput<), start_span(ty));
        quote_spanned!(end_span(ty)=> #open #ty, #is_result>)
    }

    /// The arguments once more, for a run that is tried again.
    fn emit_copies(&self) -> TokenStream {
        let pipex = &self.pipex;
        if self.meta.retries.unwrap_or(0) == 0 {
            return quote!(|_| #pipex::internal::None);
        }
        let args = hygienic("args");
        let copies = self.function.parameters.iter().enumerate().map(|(index, parameter)| {
            // What can't be given again is told at its type.
            let span = start_span(&parameter.ty);
            let index = syn::Index::from(index);
            let parameter = quote_spanned!(span=> &#args.#index);
            quote_spanned!(span=> #pipex::internal::Again::again(#parameter))
        });
        quote!(|#args| #pipex::internal::Some((#(#copies,)*)))
    }

    /// The user's function.
    fn emit_body(&self) -> TokenStream {
        let TaskEmitter { pipex, function, .. } = self;
        let [args, targets, out] = ["args", "targets", "out"].map(hygienic);
        let (ty, statements) = (&function.output, &function.item.block);
        // What cannot be what a task returns is told at its type.
        let span = start_span(ty);
        let method = match (&function.returns, &self.meta.retry_if) {
            (Returns::Value, _) => quote_spanned!(span=> value()),
            (_, None) => quote_spanned!(span=> outcome()),
            (_, Some(retry_if)) => quote_spanned!(start_span(retry_if)=> outcome_if(#retry_if)),
        };
        let returned = respan(&quote!(#pipex::internal::Returned(#out)), span);
        let parts = match (self.meta.targets.is_empty(), self.meta.own_output) {
            (true, _) => None,
            (false, false) => Some(quote!(.map(#pipex::Outputs::into_parts))),
            (false, true) => {
                let units = self.meta.targets.iter().map(|_| quote!(()));
                Some(quote!(.map(|()| (#(#units),*))))
            }
        };
        let outcome = quote! {
            #[allow(unused_imports)]
            use #pipex::internal::ReturnedValue as _;
            #returned.#method #parts
        };
        let taken: Vec<_> = (0..function.parameters.len()).map(|index| hygienic(&format!("arg{index}"))).collect();
        let patterns = function.parameters.iter().zip(&taken).map(|(parameter, taken)| {
            // `self` is a reference already, and the closure has it.
            if let ParameterKind::Receiver(_) = parameter.kind { quote!(_) } else { quote!(#taken) }
        });
        let bindings = function.parameters.iter().zip(&taken).map(|(parameter, taken)| {
            let is_used = parameter.named || self.meta.resources.names(&parameter.name);
            emit_binding(parameter, taken, is_used)
        });
        let bindings = quote!(let (#(#patterns,)*) = #args; #(#bindings)*);
        let paths = function.targets.iter().enumerate().map(|(place, parameter)| {
            let Parameter { attributes, mutability, name, ty, .. } = parameter;
            let ty = remove_lifetime(ty);
            quote!(#(#attributes)* let #mutability #name: #ty = &#targets[#place];)
        });
        let bindings = quote!(#bindings #(#paths)*);
        let targets = if function.targets.is_empty() { quote!(_) } else { quote!(#targets) };
        // Held until the body's last value is made, as parameters are.
        let run = quote! {
            #bindings
            #[allow(clippy::diverging_sub_expression)]
            let #out: #ty = #statements;
            #[allow(unreachable_code, clippy::let_and_return)]
            #out
        };
        if function.item.sig.asyncness.is_some() {
            let hint = emit_type_hint(pipex, ty);
            quote!(move |#args, #targets| #pipex::internal::future(|#out: #ty| { #outcome }, async move { #hint #run }))
        } else {
            quote!(move |#args, #targets| #pipex::internal::Body::Done({
                let #out: #ty = (move || -> #ty { #run })();
                #outcome
            }))
        }
    }
}

/// Inspects each of these arguments as well as its type allows.
pub fn emit_inspections(
    pipex: &Path,
    visitor: &Ident,
    packs: bool,
    all: impl Iterator<Item = (TokenStream, Span)>,
) -> TokenStream {
    let next = quote!(#visitor.next_argument(););
    emit_each(pipex, visitor, &next, packs, all)
}

/// Visits each of these values as well as its type allows: they are an argument together.
pub fn emit_visits(pipex: &Path, visitor: &Ident, all: impl Iterator<Item = (TokenStream, Span)>) -> TokenStream {
    emit_each(pipex, visitor, &TokenStream::new(), true, all)
}

fn emit_each(
    pipex: &Path,
    visitor: &Ident,
    first: &TokenStream,
    packs: bool,
    all: impl Iterator<Item = (TokenStream, Span)>,
) -> TokenStream {
    let inspections = all.map(|(value, span)| {
        let accept = quote_spanned!(span=> (&&&&&#pipex::internal::Probe(&#value)).accept(#visitor););
        if packs {
            quote_spanned!(span=>
                #first
                if !(&&#pipex::internal::Packer(&#value)).pack(#visitor) {
                    #accept
                }
            )
        } else {
            quote_spanned!(span=> #first #accept)
        }
    });
    let packers = packs.then(|| {
        quote! {
            #[allow(unused_imports)]
            use #pipex::internal::{PackNothing as _, PackSerialize as _};
        }
    });
    quote! {
        #packers
        #[allow(unused_imports)]
        use #pipex::internal::{
            ByDebug as _, ByHash as _, ByNothing as _, ByOutput as _, ByKnown as _, BySerialize as _,
        };
        #(#inspections)*
    }
}

/// Tells an `async` block its type before the first `return` in it.
pub fn emit_type_hint(pipex: &Path, ty: &Type) -> TokenStream {
    let out = hygienic("out");
    quote! {
        if let #pipex::internal::Some(#out) = #pipex::internal::None::<#ty> {
            return #out;
        }
    }
}

/// The user's parameter, inside.
fn emit_binding(parameter: &Parameter, taken: &Ident, is_used: bool) -> TokenStream {
    let Parameter { attributes, mutability, name, ty, .. } = parameter;
    let underscore = name.to_string().starts_with('_').then(|| quote!(#[allow(clippy::no_effect_underscore_binding)]));
    // The attribute uses it.
    let named = is_used.then(|| quote!(#[allow(unused_variables)]));
    let binding = match &parameter.kind {
        ParameterKind::Receiver(_) => return TokenStream::new(),
        ParameterKind::Value => quote!(#name: #ty = #taken),
        ParameterKind::Reference(_) => {
            let ty = remove_lifetime(ty);
            quote!(#name: #ty = &*#taken)
        }
        ParameterKind::Plain => quote!(#name = #taken),
    };
    quote!(#underscore #named #(#attributes)* let #mutability #binding;)
}

/// The reference, whose referent may not live as long as it says: it is in the arguments.
fn remove_lifetime(ty: &Type) -> Type {
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
fn add_call_lifetime(generics: &Generics) -> Generics {
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
