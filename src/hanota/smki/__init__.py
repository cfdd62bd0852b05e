"""The Smart Metering Key Infrastructure: identities, certificates, key stores, signatures and MACs."""
