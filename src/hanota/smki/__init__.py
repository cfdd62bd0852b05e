"""The key infrastructure: identities, certificates, key stores, signatures and MACs."""
