//! Keys of other systems.

use fairhold_domain::policy::Scope;
use fairhold_store::api_keys::{self, ApiKey};

use crate::support::{at, for_each_engine};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_by_its_hash_noted_to_the_minute_and_ended_once() {
    for_each_engine(async |stores| {
        let key = ApiKey {
            id: "till".to_owned(),
            name: "The shop till".to_owned(),
            scopes: vec![Scope::Whoami],
            purposes: vec!["loyalty".to_owned()],
            created_at: at(0),
            expires_at: at(600),
            last_used_at: None,
            revoked_at: None,
        };
        let written = key.clone();
        let add = stores.db.write(move |tx| {
            Box::pin(async move { api_keys::add(tx, "hash", &written).await.map(|_| ()) })
        });
        add.await.unwrap();
        let found = async |hash: &str| {
            let mut tx = stores.db.read().await.unwrap();
            api_keys::by_hash(&mut tx, hash).await.unwrap()
        };
        assert_eq!(found("hash").await, Some(key.clone()));
        assert_eq!(found("till").await, None);
        assert!(key.works(at(599)) && !key.works(at(600)));
        for minute in [120, 60] {
            let note = stores.db.write(move |tx| {
                Box::pin(async move { api_keys::note_use(tx, "till", at(minute)).await })
            });
            note.await.unwrap();
        }
        assert_eq!(found("hash").await.unwrap().last_used_at, Some(at(120)));
        let revoke = async || {
            let revoke = stores
                .db
                .write(|tx| Box::pin(async move { api_keys::revoke(tx, "till", at(200)).await }));
            revoke.await.unwrap()
        };
        assert!(revoke().await);
        assert!(!revoke().await);
        assert!(!found("hash").await.unwrap().works(at(300)));
        let mut tx = stores.db.read().await.unwrap();
        assert_eq!(api_keys::all(&mut tx).await.unwrap().len(), 1);
    })
    .await;
}
