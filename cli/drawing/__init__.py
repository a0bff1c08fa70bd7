"""Pictures of features in layers, for the feature browser and for the report."""
