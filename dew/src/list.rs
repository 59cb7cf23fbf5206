//! Lists of the services: what of them somebody may see.

use std::collections::HashMap;

use crate::iam::EnterpriseProjectId;

/// Those of a list that are in enterprise projects where somebody may list them. `asked` is one that counts though nothing
/// is in it. `may` tells why somebody may not in one, if so.
///
/// # Errors
/// Why not, of who may in none of them: an empty list would say that there is nothing. What else `may` fails of.
pub(crate) fn visible<T, E>(
    mut all: Vec<T>,
    asked: EnterpriseProjectId,
    place: impl Fn(&T) -> EnterpriseProjectId,
    mut may: impl FnMut(EnterpriseProjectId) -> Result<Option<E>, E>,
) -> Result<Vec<T>, E> {
    let (mut seen, mut refusal) = (HashMap::new(), None);
    for place in all.iter().map(&place).chain([asked]) {
        if seen.contains_key(&place) {
            continue;
        }
        let refused = may(place)?;
        seen.insert(place, refused.is_none());
        refusal = refused.or(refusal);
    }
    match refusal {
        Some(refusal) if seen.values().all(|may| !may) => Err(refusal),
        _ => {
            all.retain(|one| seen.get(&place(one)).copied().unwrap_or_default());
            Ok(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Things by the enterprise project that they are in.
    fn listed(all: &[u8], asked: u8, allowed: &[u8]) -> Result<Vec<u8>, u8> {
        let may = |EnterpriseProjectId([place, ..])| Ok((!allowed.contains(&place)).then_some(place));
        visible(
            all.to_vec(),
            EnterpriseProjectId([asked; 16]),
            |place| EnterpriseProjectId([*place; 16]),
            may,
        )
    }

    #[test]
    fn a_list_has_what_is_in_allowed_places_and_is_refused_where_none_is() {
        assert_eq!(listed(&[1, 2, 1, 3], 0, &[1, 3]), Ok(vec![1, 1, 3]));
        assert_eq!(listed(&[1, 2], 0, &[0]), Ok(vec![]));
        assert_eq!(listed(&[], 0, &[0]), Ok(vec![]));
        assert_eq!(listed(&[1, 2], 0, &[]), Err(0));
        assert_eq!(listed(&[1, 2, 1], 2, &[7]), Err(2));
        assert_eq!(listed(&[], 5, &[0]), Err(5));
    }

    #[test]
    fn what_fails_is_told_though_other_places_are_allowed() {
        let may = |EnterpriseProjectId([place, ..])| if place == 2 { Err("broken") } else { Ok(None) };
        let place = |place: &u8| EnterpriseProjectId([*place; 16]);
        assert_eq!(visible(vec![1, 2], EnterpriseProjectId::DEFAULT, place, may), Err("broken"));
    }
}
