"""Widgets that several pages share. With pages/ the only place that imports streamlit."""
