//! Webhooks that are put.

use alloc::vec::Vec;

use super::Plan;
use crate::model::{DefinitionError, Webhook, WebhookDraft};

impl Plan<'_> {
    pub(super) fn put_webhook(&mut self, at: usize, draft: &WebhookDraft) {
        self.put_named(at, draft, |plan, put| {
            let mut flows = Vec::with_capacity(draft.flows.len());
            for flow in &draft.flows {
                match plan.find_flow(flow) {
                    Some(flow) => flows.push(flow),
                    None => plan.unknown(at, "flows", "flow", flow),
                }
            }
            if draft.flows.is_empty() {
                plan.fault(at, "flows", DefinitionError::Empty);
            }
            plan.sort_unique(at, "flows", &mut flows);
            for (field, error) in draft.faults() {
                plan.fault(at, &field, error);
            }
            plan.check_date_format(at, "date_format", &draft.date_format);
            let offset = i64::from(draft.date_offset);
            plan.check_range(at, "date_offset", offset, -366, 366);
            plan.check_params(at, &draft.params);
            let old = put.old.map(|old| &old.secret);
            Some(Webhook {
                id: put.id,
                name: draft.name.clone(),
                directory: draft.directory.clone(),
                description: draft.description.clone(),
                enabled: draft.enabled,
                flows,
                downstream: draft.downstream,
                scheme: draft.scheme,
                secret: plan.secret(at, "secret", draft.secret.as_ref(), old),
                signature_header: draft.signature_header.clone(),
                delivery_header: draft.delivery_header.clone(),
                filter: draft.filter.clone(),
                date_at: draft.date_at.clone(),
                date_format: draft.date_format.clone(),
                zone: draft.zone,
                date_offset: draft.date_offset,
                params: draft.params.clone(),
                revision: put.revision,
            })
        });
    }
}
