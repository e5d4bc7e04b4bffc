python3 -c "import pandas"
