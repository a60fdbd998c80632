"""All the business: one module or package a capability. No streamlit, no rq, no SQL text."""
