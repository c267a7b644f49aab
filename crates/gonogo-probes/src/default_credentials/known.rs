//! The pairs that everybody knows, each from where its maker published it.

/// A user and a password.
pub(super) type Pair = (&'static str, &'static str);

/// A product as it comes.
pub(super) struct Product {
    pub(super) name: &'static str,
    pub(super) pairs: &'static [Pair],
}

/// What several makers publish as the first login.
pub(super) const PRODUCTS: &[Product] = &[
    // activemq.apache.org, "Web Console": "the default username and password is admin/admin".
    Product {
        name: "activemq",
        pairs: &[("admin", "admin")],
    },
    // airflow.apache.org, "Running Airflow in Docker": "the account … has the login airflow and the password airflow".
    Product {
        name: "airflow",
        pairs: &[("airflow", "airflow")],
    },
    // jfrog.com, "Artifactory: get started": "default credentials: admin, password".
    Product {
        name: "artifactory",
        pairs: &[("admin", "password")],
    },
    // grafana.com, "Sign in to Grafana": "enter admin for username and password".
    Product {
        name: "grafana",
        pairs: &[("admin", "admin")],
    },
    // min.io, "MinIO server settings": `MINIO_ROOT_USER` and `MINIO_ROOT_PASSWORD` default to minioadmin.
    Product {
        name: "minio",
        pairs: &[("minioadmin", "minioadmin")],
    },
    // neo4j.com, operations manual, "Set an initial password": "the default password, neo4j".
    Product {
        name: "neo4j",
        pairs: &[("neo4j", "neo4j")],
    },
    // help.sonatype.com, "Nexus Repository: post-install checklist": admin/admin123 before version 3.17.
    Product {
        name: "nexus",
        pairs: &[("admin", "admin123")],
    },
    // rabbitmq.com, "Access control": "default user guest, with a default password guest".
    Product {
        name: "rabbitmq",
        pairs: &[("guest", "guest")],
    },
    // docs.sonarsource.com, "Install the server": "log in … admin, password: admin".
    Product {
        name: "sonarqube",
        pairs: &[("admin", "admin")],
    },
    // zabbix.com, "Login and configuring user": "user name Admin with password zabbix".
    Product {
        name: "zabbix",
        pairs: &[("Admin", "zabbix")],
    },
];

/// Where no product is named: users and passwords of the OWASP Web Security Testing Guide, WSTG-ATHN-02, in pairs; of one
/// user two at the most, since some logins lock an account at the third failure.
pub(super) const COMMON: &[Pair] = &[
    ("admin", "admin"),
    ("admin", "password"),
    ("administrator", "administrator"),
    ("root", "root"),
    ("root", "admin"),
    ("guest", "guest"),
    ("operator", "operator"),
    ("system", "system"),
    ("super", "super"),
    ("test", "test"),
];

/// The product of a name.
pub(super) fn product(name: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.name == name)
}
