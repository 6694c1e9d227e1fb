//! A function that a macro was put on, read into plain data. Every refusal of a signature is made here.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::parse::Parse as _;
use syn::parse::Parser as _;
use syn::{
    AttrStyle, Attribute, Error, FnArg, GenericArgument, GenericParam, ItemFn, Pat, PatIdent, PatType, Path,
    PathArguments, Receiver, ReceiverKind, Result, ReturnType, Signature, Token, TraitItemFn, Type, TypeParamBound,
    TypeTuple, parse_quote,
};

use crate::attributes::TemplateMeta;
use crate::lifetimes;
use crate::mistakes::Mistakes;
use crate::returns::{Returns, is_called, is_called_result, strip_parentheses};
use crate::template::ParsedTemplate;

/// Arguments travel as a tuple, and the standard library's tuples have methods up to here.
const MOST_ARGUMENTS: usize = 12;

/// A task function.
pub struct TaskFn {
    pub item: ItemFn,
    /// In the order in which they are written, `self` included.
    pub parameters: Vec<Parameter>,
    /// The parameters marked `#[target]`.
    pub targets: Vec<Parameter>,
    /// What it returns.
    pub output: Type,
    pub returns: Returns,
}

pub struct Parameter {
    /// Attributes, to go where the body binds it.
    pub attributes: Vec<Attribute>,
    pub mutability: Option<Token![mut]>,
    pub name: Ident,
    pub ty: Type,
    pub kind: ParameterKind,
    /// Whether a template names it.
    pub named: bool,
}

/// How a parameter is taken.
pub enum ParameterKind {
    /// `&self`.
    Receiver(Receiver),
    /// `T`, or a reference that is part of the value, such as `&'static str`.
    Value,
    /// `&U`.
    Reference(Type),
    /// As the user wrote it, since a conversion would take away coercions: `impl Trait`, `&dyn Trait`, `fn()`.
    Plain,
}

/// The function, if the item is one that has a body.
pub fn parse_item_fn(item: TokenStream, attribute: &str) -> Result<ItemFn> {
    if let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) {
        // The body moves; what its inner attributes say is said of the function as well.
        function.attrs.iter_mut().for_each(|attribute| attribute.style = AttrStyle::Outer);
        return Ok(function);
    }
    // A body that does not parse is its own mistake; the compiler tells it better.
    match (|input: syn::parse::ParseStream| TraitItemFn::parse(input)).parse2(item.clone()) {
        Ok(TraitItemFn { sig, default: None, .. }) => Err(Error::new_spanned(
            sig,
            format!("`#[{attribute}]` needs a body: put it on a method of an `impl`, or on a free function"),
        )),
        _ if item.to_string().contains("fn ") => syn::parse2::<ItemFn>(item),
        _ => Err(Error::new(Span::call_site(), format!("`#[{attribute}]` goes on a function"))),
    }
}

/// The item as it would be without the macro, and the mistakes beside it: one mistake is not to become twenty.
pub fn emit_unchanged(item: TokenStream, error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else { return quote!(#item #error) };
    for input in &mut function.sig.inputs {
        let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(Receiver { attrs, .. })) = input;
        attrs.retain(|attribute| !["arg", "target"].iter().any(|mark| attribute.path().is_ident(mark)));
    }
    // What only a template uses is not unused, whatever is wrong with the template.
    quote!(#[allow(unused_variables)] #function #error)
}

/// Refuses what neither macro can wrap.
pub fn refuse_qualifiers(signature: &Signature, attribute: &str, mistakes: &mut Mistakes) {
    let kind = format!("a {attribute} can't be");
    if let Some(constness) = &signature.constness {
        mistakes.refuse(constness, format!("{kind} `const`, since it runs when the program does: leave out `const`"));
    }
    if let syn::Safety::Unsafe(unsafety) = &signature.safety {
        mistakes.refuse(
            unsafety,
            format!(
                "{kind} `unsafe`: write a safe function whose body has the `unsafe` block and says why it is sound"
            ),
        );
    }
    if let Some(abi) = &signature.abi {
        mistakes.refuse(abi, format!("{kind} `extern`: write a Rust function that calls this one"));
    }
    if let Some(variadic) = &signature.variadic {
        mistakes.refuse(variadic, format!("{kind} variadic: take a `Vec` or a slice"));
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && let Type::Never(never) = &**ty
    {
        mistakes.refuse(never, format!("a {attribute} has to return: write `-> ()`, or the type of what it gives"));
    }
}

impl TaskFn {
    pub fn prepare(item: ItemFn, own_output: bool, outputs: Option<&[(Ident, TemplateMeta)]>) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        refuse_qualifiers(&item.sig, "task", &mut mistakes);
        let output = check_output(&item.sig.output, &mut mistakes);
        let returns = Returns::classify(&output, &item);
        let mut parameters = Vec::new();
        let mut targets = Vec::new();
        for input in &item.sig.inputs {
            let parameter = match input {
                FnArg::Receiver(receiver) => mistakes.ok_or_add(Parameter::from_receiver(receiver)),
                FnArg::Typed(typed) => mistakes.ok_or_add(Parameter::from_typed(typed)),
            };
            let Some(mut parameter) = parameter else { continue };
            match parameter.attributes.iter().position(|attribute| attribute.path().is_ident("target")) {
                Some(mark) => {
                    let mark = parameter.attributes.remove(mark);
                    let is_one_too_many = outputs.is_some_and(<[_]>::is_empty) && !targets.is_empty();
                    let _ = mistakes.ok_or_add(check_target(&parameter, &mark, own_output, is_one_too_many));
                    targets.push(parameter);
                }
                None => parameters.push(parameter),
            }
        }
        if parameters.len() > MOST_ARGUMENTS {
            mistakes.refuse(
                &parameters[MOST_ARGUMENTS].name,
                format!("a task takes at most {MOST_ARGUMENTS} arguments: group them into a struct"),
            );
        }
        if let Some(outputs) = outputs.filter(|outputs| own_output && !outputs.is_empty()) {
            let _ = mistakes.ok_or_add(sort_targets(&mut targets, outputs));
        }
        mistakes.into_result()?;
        Ok(TaskFn { item, parameters, targets, output, returns })
    }

    /// The names that a template may use.
    pub fn parameter_names(&self) -> Vec<String> {
        self.parameters.iter().chain(&self.targets).map(|parameter| parameter.name.unraw().to_string()).collect()
    }

    /// Whether a parameter of this type takes also what would be in it. Where it may be generic, what is given says what it is.
    pub fn is_option(&self, ty: &Type) -> bool {
        let is_type = |parameter: &GenericParam| matches!(parameter, GenericParam::Type(_));
        matches!(strip_parentheses(ty), Type::Path(path) if is_called(&path.path, "Option"))
            && !self.item.sig.generics.params.iter().any(is_type)
    }

    /// The tuple that it returns, if the type is written out.
    pub fn find_tuple(&self) -> Option<&TypeTuple> {
        let value = match strip_parentheses(&self.output) {
            Type::Path(path) if is_called_result(&path.path) => list_type_arguments(&path.path).next()?,
            output => output,
        };
        match strip_parentheses(value) {
            Type::Tuple(tuple) => Some(tuple),
            _ => None,
        }
    }

    /// Whether an argument is told from others by its address, which is another in each process.
    pub fn takes_address(&self) -> bool {
        self.parameters
            .iter()
            .any(|parameter| matches!(strip_parentheses(&parameter.ty), Type::FnPtr(_) | Type::Ptr(_)))
    }

    /// Refuses what cannot run in another process.
    pub fn refuse_remote(&self, remote: &Ident, mistakes: &mut Mistakes) {
        for generic in &self.item.sig.generics.params {
            let message = "a `remote` task is called by its name, which does not say what this stands for: \
                           write the type, or leave out `remote`";
            mistakes.refuse(generic, message);
        }
        for parameter in &self.parameters {
            let problem = match &parameter.kind {
                ParameterKind::Receiver(_) => {
                    "a `remote` task is called by its name: make it a function, with a parameter for `self`"
                }
                ParameterKind::Plain => {
                    "what a `remote` task takes goes to another process: name a type that serde knows"
                }
                ParameterKind::Value | ParameterKind::Reference(_) => continue,
            };
            let message = format!("{problem}, or leave out `{remote}`");
            match &parameter.kind {
                ParameterKind::Receiver(receiver) => mistakes.refuse(receiver, message),
                _ => mistakes.refuse(&parameter.ty, message),
            }
        }
    }

    /// Marks the parameters that the template names. They have to be values that can be shown.
    pub fn mark_named(&mut self, template: &ParsedTemplate, span: Span) -> Result<()> {
        let mut mistakes = Mistakes::default();
        if template.names_args() && self.parameters.is_empty() {
            mistakes.add(Error::new(span, "`{args}` is a digest of the arguments, and there are none: leave it out"));
        } else if template.names_args() && self.takes_address() {
            let message = "`{args}` can't be in a template here: what is told by its address, as a function pointer is, is another \
                           in each process; name what tells the calls apart";
            mistakes.add(Error::new(span, message));
        }
        for field in template.parameter_fields() {
            let mut refuse = |what: &str| {
                let message = format!(
                    "`{{{}}}` can't be in a template: {what}; take what should stand there as a parameter of its own",
                    field.text()
                );
                mistakes.add(Error::new(span, message));
            };
            let Some(parameter) = self.parameters.iter_mut().find(|parameter| parameter.name.unraw() == field.name)
            else {
                refuse("it is the target that the template gives");
                continue;
            };
            match (&parameter.kind, &parameter.ty) {
                (ParameterKind::Receiver(_), _) if field.members.is_empty() => refuse("`self` is not a single value"),
                (ParameterKind::Plain, _) => {
                    refuse("the type `impl Trait`, `dyn Trait` or `fn` does not say that it has a text")
                }
                (ParameterKind::Reference(Type::Slice(_) | Type::Array(_) | Type::Tuple(_)), _)
                | (ParameterKind::Value, Type::Array(_) | Type::Tuple(_) | Type::Ptr(_))
                    if field.is_bare() =>
                {
                    refuse("slices, arrays, tuples and pointers have no text (`Display`)");
                }
                _ => parameter.named = true,
            }
        }
        mistakes.into_result()
    }
}

impl Parameter {
    fn from_receiver(receiver: &Receiver) -> Result<Self> {
        check_attributes(&receiver.attrs)?;
        let refuse = |message| Err(Error::new_spanned(receiver, message));
        match &receiver.kind {
            ReceiverKind::Reference(_, _, None) => Ok(Parameter {
                attributes: receiver.attrs.clone(),
                mutability: None,
                name: receiver.self_token.into(),
                ty: parse_quote!(Self),
                kind: ParameterKind::Receiver(receiver.clone()),
                named: false,
            }),
            ReceiverKind::Reference(_, _, Some(_)) => {
                refuse("a task can't change what it is given: take `&self`, and return what changed")
            }
            _ => {
                refuse("a method that is a task takes `&self`: write that, or a free function with a parameter for it")
            }
        }
    }

    fn from_typed(typed: &PatType) -> Result<Self> {
        check_attributes(&typed.attrs)?;
        let Pat::Ident(PatIdent { by_ref: None, mutability, ident, subpat: None, .. }) = &*typed.pat else {
            return Err(Error::new_spanned(
                &typed.pat,
                "a parameter of a task needs a name: name it, and take it apart inside",
            ));
        };
        if let Some(reference) = lifetimes::find_mutable_borrow(&typed.ty) {
            let message = "a task can't change what it is given: take it by value, and return it";
            return Err(Error::new_spanned(reference, message));
        }
        Ok(Parameter {
            attributes: typed.attrs.clone(),
            mutability: *mutability,
            name: ident.clone(),
            kind: classify(&typed.ty),
            ty: (*typed.ty).clone(),
            named: false,
        })
    }
}

fn classify(ty: &Type) -> ParameterKind {
    let is_dyn = |ty: &Type| matches!(strip_parentheses(ty), Type::TraitObject(_));
    match strip_parentheses(ty) {
        ty if lifetimes::has_impl_trait(ty) => ParameterKind::Plain,
        Type::FnPtr(_) => ParameterKind::Plain,
        Type::Reference(reference) if is_dyn(&reference.elem) => ParameterKind::Plain,
        Type::Reference(reference)
            if reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") =>
        {
            ParameterKind::Value
        }
        Type::Reference(reference) => ParameterKind::Reference((*reference.elem).clone()),
        // `Box<dyn Trait>` and its like.
        Type::Path(path) if list_type_arguments(&path.path).any(is_dyn) => ParameterKind::Plain,
        _ => ParameterKind::Value,
    }
}

fn list_type_arguments(path: &Path) -> impl Iterator<Item = &Type> {
    let arguments = match path.segments.last().map(|segment| &segment.arguments) {
        Some(PathArguments::AngleBracketed(arguments)) => Some(&arguments.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn check_attributes(attributes: &[Attribute]) -> Result<()> {
    match attributes.iter().find(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
    {
        Some(attribute) => Err(Error::new_spanned(
            attribute,
            "a parameter of a task can't depend on `cfg`: put `#[cfg(..)]` on two versions of the function",
        )),
        None => Ok(()),
    }
}

/// Puts the `#[target]` parameters in the order of the outputs that they are the paths of.
fn sort_targets(targets: &mut [Parameter], outputs: &[(Ident, TemplateMeta)]) -> Result<()> {
    for (place, (name, _)) in outputs.iter().enumerate() {
        match targets.iter().position(|target| target.name == *name) {
            Some(found) => targets.swap(place.min(found), found),
            None => {
                let message =
                    format!("with `save = false` the function writes this output: take `#[target] {name}: &Path`");
                return Err(Error::new_spanned(name, message));
            }
        }
    }
    match targets.get(outputs.len()) {
        Some(target) => {
            let name = &target.name;
            Err(Error::new_spanned(
                name,
                format!("there is no output `{name}`: name it in `target(..)`, with its template"),
            ))
        }
        None => Ok(()),
    }
}

fn check_target(parameter: &Parameter, mark: &Attribute, own_output: bool, is_one_too_many: bool) -> Result<()> {
    mark.meta.require_path_only().map_err(|_| {
        Error::new_spanned(mark, "write `#[target]`; the template goes into `#[task(target = \"..\")]`")
    })?;
    if is_one_too_many {
        return Err(Error::new_spanned(
            mark,
            "a task with several outputs says so: `target(first = \"..\", second = \"..\")`, a name for each parameter marked `#[target]`",
        ));
    }
    if !own_output {
        return Err(Error::new_spanned(
            mark,
            "here the store writes the target: leave out `#[target]`, or say `#[task(save = false)]` to write it yourself",
        ));
    }
    if let Type::Reference(reference) = strip_parentheses(&parameter.ty)
        && let Type::Path(path) = strip_parentheses(&reference.elem)
        && path.path.segments.last().is_some_and(|segment| segment.ident == "Path")
    {
        return Ok(());
    }
    Err(Error::new_spanned(&parameter.ty, "a `#[target]` is the path to write to: its type is `&Path`"))
}

/// Whether it is `Box<dyn Error>`, without `Send` or without `Sync`.
fn is_error_of_one_thread(error: &Type) -> bool {
    let Type::Path(boxed) = strip_parentheses(error) else { return false };
    let Some(Type::TraitObject(object)) = list_type_arguments(&boxed.path).next().map(strip_parentheses) else {
        return false;
    };
    let names = |name: &str| {
        object.bounds.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|segment| segment.ident == name),
            _ => false,
        })
    };
    let is_box = boxed.path.segments.last().is_some_and(|segment| segment.ident == "Box");
    is_box && names("Error") && !(names("Send") && names("Sync"))
}

/// What the function returns, refused if a task cannot give it.
fn check_output(output: &ReturnType, mistakes: &mut Mistakes) -> Type {
    let ReturnType::Type(_, ty) = output else { return parse_quote!(()) };
    if lifetimes::has_impl_trait(ty) {
        mistakes
            .refuse(ty, "a task's output needs a type with a name: write the type, or `Box<dyn Trait + Send + Sync>`");
    }
    // Of a `Result`, the error need not be owned by name: what it has to be, the runtime says.
    let value = match strip_parentheses(ty) {
        Type::Path(path) if is_called_result(&path.path) => {
            let mut arguments = list_type_arguments(&path.path);
            let value = arguments.next();
            if let Some(error) = arguments.next().filter(|error| is_error_of_one_thread(error)) {
                let message =
                    "a task's error goes from thread to thread: write `Box<dyn std::error::Error + Send + Sync>`";
                mistakes.refuse(error, message);
            }
            value
        }
        _ => Some(&**ty),
    };
    if let Some(borrow) = value.and_then(lifetimes::find_borrow) {
        mistakes.refuse(
            borrow.to_token_stream(),
            "a task's output must be owned, since it outlives the call: return `String`, `Vec<..>`, ..",
        );
    }
    (**ty).clone()
}
