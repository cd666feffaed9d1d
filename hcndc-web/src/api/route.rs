//! Routes: small filters by method and path, each known by the template of its path.

use futures_util::{FutureExt as _, StreamExt};
use hcndc_core::{
    id::{BackfillId, ScheduleId},
    model::{DefinitionId, DefinitionKind},
};
use warp::{
    Filter, Rejection, Reply,
    filters::BoxedFilter,
    http::{HeaderMap, Method, StatusCode, Uri},
    reject,
    reply::Response,
};

use super::{
    body::Body,
    caller::{Caller, Visitor},
    needs::Needs,
    problem::{Problem, What},
    query::Query,
};

/// One route.
pub(super) struct Route {
    method: Method,
    template: &'static str,
    filter: BoxedFilter<(Response,)>,
    needs: Needs,
    answered_by: AnsweredBy,
}

/// Which of several servers answers a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnsweredBy {
    /// Any, by what is stored.
    Any,
    /// The one that leads: only its scheduler can.
    Leader,
    /// The one that leads, if it is known; else any may be able to.
    LeaderOrHere,
}

/// The template of the route that answered; labels figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Template(pub(super) &'static str);

impl Route {
    /// Answers GET and HEAD with what `filter` makes of it, to callers who have what it needs.
    pub(super) fn get(
        template: &'static str,
        needs: Needs,
        filter: BoxedFilter<(Response,)>,
    ) -> Self {
        Self::new(Method::GET, template, needs, filter)
    }

    /// Answers POST.
    pub(super) fn post(
        template: &'static str,
        needs: Needs,
        filter: BoxedFilter<(Response,)>,
    ) -> Self {
        Self::new(Method::POST, template, needs, filter)
    }

    /// Answers another method.
    pub(super) fn new(
        method: Method,
        template: &'static str,
        needs: Needs,
        filter: BoxedFilter<(Response,)>,
    ) -> Self {
        let wanted = method.clone();
        let filter = warp::method()
            .and_then(move |method: Method| {
                let fits = method == wanted || (method == Method::HEAD && wanted == Method::GET);
                std::future::ready(fits.then_some(()).ok_or_else(reject::not_found))
            })
            .untuple_one()
            .and(filter)
            .map(move |mut response: Response| {
                response.extensions_mut().insert(Template(template));
                response
            })
            .boxed();
        Self {
            // Whatever changes something is the scheduler's to do.
            answered_by: match method {
                Method::GET => AnsweredBy::Any,
                _ => AnsweredBy::Leader,
            },
            method,
            template,
            filter,
            needs,
        }
    }

    /// The same, answered by the server that leads, as all that changes something is anyway.
    pub(super) fn by_leader(mut self) -> Self {
        self.answered_by = AnsweredBy::Leader;
        self
    }

    /// The same, answered by any server: what it changes is in the database, and no scheduler's.
    pub(super) fn by_any(mut self) -> Self {
        self.answered_by = AnsweredBy::Any;
        self
    }

    /// The same, answered by the server that leads if that is known.
    pub(super) fn by_leader_or_here(mut self) -> Self {
        self.answered_by = AnsweredBy::LeaderOrHere;
        self
    }

    /// What it needs of its caller.
    pub(super) const fn needs(&self) -> Needs {
        self.needs
    }

    /// Which of several servers answers it.
    pub(super) const fn answered_by(&self) -> AnsweredBy {
        self.answered_by
    }

    /// Its method and template.
    pub(super) const fn name(&self) -> (&Method, &'static str) {
        (&self.method, self.template)
    }
}

/// What answers requests from what a filter takes of them.
///
/// The compiler walks through all that a handler's future holds wherever a filter around it is named, so that it is boxed at once: building
/// took twice as long otherwise.
pub(super) trait Handler<Args, Answer>: Sized {
    /// This, behind the filter that gives it what it takes.
    fn behind<F>(self, filter: F) -> BoxedFilter<(Response,)>
    where
        F: Filter<Extract = Args, Error = Rejection> + Send + Sync + 'static,
        F::Future: Send;
}

macro_rules! handlers {
    ($($($arg:ident)*;)*) => {$(
        impl<H, Answer, T, $($arg),*> Handler<($($arg,)*), Answer> for H
        where
            H: Fn($($arg),*) -> Answer + Clone + Send + Sync + 'static,
            Answer: Future<Output = Result<T, Problem>> + Send + 'static,
            T: Reply,
            $($arg: Send + 'static,)*
        {
            #[allow(non_snake_case, reason = "each value is named by its type, if there are any")]
            fn behind<F>(self, filter: F) -> BoxedFilter<(Response,)>
            where
                F: Filter<Extract = ($($arg,)*), Error = Rejection> + Send + Sync + 'static,
                F::Future: Send,
            {
                filter
                    .then(move |$($arg: $arg),*| self($($arg),*).map(answer).boxed())
                    .boxed()
            }
        }
    )*};
}

handlers! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E G;
    A B C D E G I;
}

/// Hands what a filter takes of a request to what answers it.
pub(super) trait HandedTo:
    Filter<Error = Rejection> + Send + Sync + Sized + 'static
{
    /// Answers with this.
    fn handed_to<Answer, H: Handler<Self::Extract, Answer>>(
        self,
        handler: H,
    ) -> BoxedFilter<(Response,)>
    where
        Self::Future: Send,
    {
        handler.behind(self)
    }
}

impl<F: Filter<Error = Rejection> + Send + Sync + 'static> HandedTo for F {}

fn answer<T: Reply>(result: Result<T, Problem>) -> Response {
    match result {
        Ok(reply) => reply.into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// All routes as one filter that takes every request: what no route answers is unknown, or has other methods.
pub(super) fn combine(routes: Vec<Route>) -> BoxedFilter<(Response,)> {
    let names: Vec<(Method, &'static str)> = routes
        .iter()
        .map(|route| (route.method.clone(), route.template))
        .collect();
    let nothing = warp::path::full()
        .map(move |path: warp::path::FullPath| {
            let mut allow: Vec<&str> = Vec::new();
            for (method, template) in &names {
                if fits(template, path.as_str()).is_some() && !allow.contains(&method.as_str()) {
                    allow.push(method.as_str());
                }
            }
            if allow.contains(&"GET") {
                allow.push("HEAD");
            }
            let problem = if allow.is_empty() {
                Problem::UnknownRoute
            } else {
                Problem::MethodNotAllowed {
                    allow: allow.join(", "),
                }
            };
            problem.into_response()
        })
        .boxed();
    routes
        .into_iter()
        .rev()
        .fold(nothing, |rest, route| route.filter.or(rest).unify().boxed())
}

/// Whether a path has a template's form; if so, the number in place of `{id}` (0 where there is none).
pub(super) fn fits(template: &str, path: &str) -> Option<u64> {
    let Some((head, tail)) = template.split_once("{id}") else {
        return (template == path).then_some(0);
    };
    let id = path.strip_prefix(head)?.strip_suffix(tail)?;
    // The parser would also take a sign.
    let digits = id.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| id.parse().ok()).flatten()
}

/// Matches a path without an id.
pub(super) fn at(template: &'static str) -> BoxedFilter<()> {
    with_number(template).map(|_| ()).untuple_one().boxed()
}

/// Matches a path with an id.
pub(super) fn at_id<Id: From<Number> + Send + 'static>(
    template: &'static str,
) -> BoxedFilter<(Id,)> {
    with_number(template).map(|id| Id::from(Number(id))).boxed()
}

fn with_number(template: &'static str) -> BoxedFilter<(u64,)> {
    warp::path::full()
        .and_then(move |path: warp::path::FullPath| {
            std::future::ready(fits(template, path.as_str()).ok_or_else(reject::not_found))
        })
        .boxed()
}

/// The number of an id in a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(u64);

impl From<Number> for u64 {
    fn from(number: Number) -> Self {
        number.0
    }
}

macro_rules! ids {
    ($($id:ident $what:ident),* $(,)?) => {$(
        impl From<Number> for hcndc_core::id::$id {
            fn from(number: Number) -> Self {
                Self(number.0)
            }
        }

        impl From<hcndc_core::id::$id> for Problem {
            /// That nothing has this id.
            fn from(id: hcndc_core::id::$id) -> Self {
                Self::Unknown { what: What::$what, id: id.0 }
            }
        }
    )*};
}

ids! {
    FlowId Flow,
    JobId Job,
    ExecutorId Executor,
    ExecutionId Execution,
    JobRunId JobRun,
    AttemptId Attempt,
    UserId User,
    RoleId Role,
    TokenId Token,
}

impl From<Number> for ScheduleId {
    fn from(number: Number) -> Self {
        Self(number.0)
    }
}

impl From<Number> for BackfillId {
    fn from(number: Number) -> Self {
        Self(number.0)
    }
}

impl From<DefinitionId> for Problem {
    /// That nothing has this id.
    fn from(id: DefinitionId) -> Self {
        let what = match id.kind() {
            DefinitionKind::Flow => What::Flow,
            DefinitionKind::Job => What::Job,
            DefinitionKind::Executor => What::Executor,
            other => What::Definition(other),
        };
        Self::Unknown {
            what,
            id: id.number(),
        }
    }
}

/// Hands a value to a handler.
pub(super) fn having<V: Clone + Send + Sync + 'static>(value: &V) -> BoxedFilter<(V,)> {
    let value = value.clone();
    warp::any().map(move || value.clone()).boxed()
}

/// Hands the query to a handler.
pub(super) fn query() -> BoxedFilter<(Query,)> {
    warp::query::raw()
        .or(warp::any().map(String::new))
        .unify()
        .map(|text: String| Query::new(&text))
        .boxed()
}

/// Hands the caller to a handler, as the gate has let them in.
pub(super) fn caller() -> BoxedFilter<(Caller,)> {
    warp::ext::get::<Caller>().boxed()
}

/// Hands whoever is at the door to a handler, known or not.
pub(super) fn visitor() -> BoxedFilter<(Visitor,)> {
    warp::ext::get::<Visitor>().boxed()
}

/// Hands the body to a handler, unread.
pub(super) fn body() -> BoxedFilter<(Body,)> {
    warp::header::headers_cloned()
        .and(warp::body::stream())
        .map(|headers: HeaderMap, stream| Body::new(&headers, StreamExt::boxed(stream)))
        .boxed()
}

/// A reply of JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: serde::Serialize + Send> Reply for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(mut body) => {
                // Terminals like their prompt on a line of its own.
                body.push(b'\n');
                let mut response = Response::new(body.into());
                response.headers_mut().insert(
                    warp::http::header::CONTENT_TYPE,
                    warp::http::HeaderValue::from_static("application/json"),
                );
                response
            }
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                Problem::Internal.into_response()
            }
        }
    }
}

/// Something new, and where it is.
pub(super) struct Created<T> {
    /// Its path.
    pub(super) location: String,
    /// It.
    pub(super) body: T,
}

impl<T: serde::Serialize + Send> Reply for Created<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        *response.status_mut() = StatusCode::CREATED;
        if let Ok(location) = Uri::try_from(self.location)
            && let Ok(location) = location.to_string().parse()
        {
            response
                .headers_mut()
                .insert(warp::http::header::LOCATION, location);
        }
        response
    }
}

/// Done; there is nothing to tell.
pub(super) struct NoContent;

impl Reply for NoContent {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_takes_numbers_and_nothing_else() {
        assert_eq!(fits("/flows/{id}", "/flows/12"), Some(12));
        assert_eq!(fits("/flows/{id}/runs", "/flows/12/runs"), Some(12));
        assert_eq!(fits("/flows", "/flows"), Some(0));
        for path in [
            "/flows/",
            "/flows/+1",
            "/flows/-1",
            "/flows/a",
            "/flows/1/",
            "/flows/99999999999999999999",
        ] {
            assert_eq!(fits("/flows/{id}", path), None, "{path}");
        }
    }
}
