# core/transform
